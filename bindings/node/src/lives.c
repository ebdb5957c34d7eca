/* The operations with which a peer manager begins and ends. */

#include "call.h"

/* Path, durability, busy timeout, flush interval, what to do with a damaged file, seed, whether there is a clock, the
 * bounds, the shared list, reach, groups of names, the back-off, the map of AS and whether histories are kept. What is
 * undefined keeps its default. */
static bool read_options(napi_env env, struct call *call, const napi_value *arguments)
{
  peer_manager_options *options = &call->options;
  uint32_t has_clock = 0;

  peer_manager_options_init(options, sizeof *options);
  if (!is_undefined(env, arguments[0]) && !read_long_text(env, arguments[0], &call->path))
    return false;
  options->db_path = call->path;
  if (!is_undefined(env, arguments[15]) && !read_long_text(env, arguments[15], &call->asmap_path))
    return false;
  options->asmap_path = call->asmap_path;
  options->has_rng_seed = !is_undefined(env, arguments[5]);
  if (!read_u32(env, arguments[1], &options->durability) || !read_u32(env, arguments[2], &options->busy_timeout_ms)
      || !read_u32(env, arguments[3], &options->flush_interval_ms) || !read_u32(env, arguments[4], &options->on_corrupt)
      || (options->has_rng_seed && !read_u64(env, arguments[5], &options->rng_seed))
      || !read_flag(env, arguments[6], &has_clock) || !read_u64(env, arguments[7], &options->max_peers)
      || !read_u32(env, arguments[8], &options->max_peers_per_netgroup)
      || !read_u32(env, arguments[9], &options->share_cache_seconds)
      || !read_u32(env, arguments[10], &options->share_max_percent) || !read_u32(env, arguments[11], &options->reach)
      || !read_flag(env, arguments[12], &options->name_groups)
      || !read_u32(env, arguments[13], &options->backoff_seconds)
      || !read_u32(env, arguments[14], &options->max_backoff_exponent)
      || !read_flag(env, arguments[16], &options->keep_history))
    return false;
  if (has_clock)
    options->clock = clock_read;
  return true;
}

static peer_manager_status run_open(struct call *call)
{
  return peer_manager_open(&call->options, &call->opened, &call->error);
}

static napi_value answer_opened(napi_env env, struct call *call)
{
  napi_value value = manager_wrap(env, call->opened, call->options.durability == PEER_MANAGER_DURABILITY_DEFERRED);

  if (value != NULL)
    call->opened = NULL; /* JavaScript owns it now */
  return value;
}

static peer_manager_status run_close(struct call *call)
{
  peer_manager_free(call->manager->pm);
  call->manager->pm = NULL;
  return PEER_MANAGER_OK;
}

const struct operation lives[] = {
  {"open", read_options, run_open, answer_opened, OPENS},
  {"close", NULL, run_close, NULL, CLOSES}, /* as a Promise; manager_close is the other one */
};
const size_t lives_count = sizeof lives / sizeof lives[0];
