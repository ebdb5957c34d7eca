/* The time. JavaScript runs on its own thread only, but the library asks for the time on the thread that runs the
 * call. So lib/ asks the user's clock when the call is made, before anything is done (a clock that throws is then all
 * that happens), and here that reading is kept for the thread that runs the call. */

#include "addon.h"

static _Thread_local int64_t reading;

void clock_set(int64_t now)
{
  reading = now;
}

int64_t clock_read(void *context)
{
  (void)context;
  return reading;
}
