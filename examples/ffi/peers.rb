# The program of peers.c in Ruby.
#
#   ruby peers.rb DATABASE

require_relative "peer_manager"

database = ARGV[0] || "peers.db" # held as long as the options point to it
options = PM::Options.malloc(Fiddle::RUBY_FREE)
PM.peer_manager_options_init(options, PM::Options.size)
options.db_path = database
options.has_rng_seed, options.rng_seed = 1, 42 # a real node leaves the seed alone
out = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
PM.call(:open, options, out)
peers = out.ptr
begin
  count = Fiddle::Pointer.malloc(Fiddle::SIZEOF_SIZE_T, Fiddle::RUBY_FREE)
  heard = (0..15).map { |i| PM.parse("8.#{i}.4.4", 11625 + i).to_ptr[0, PM::Address.size] }.join
  PM.call(:ensure_exists_many, peers, heard, 16, count)
  puts "heard of #{PM.number(count)} new peers"

  dial, record = PM.array(6), PM::Record.malloc(Fiddle::RUBY_FREE)
  PM.call(:next_to_dial, peers, PM::DIAL_CONNECT, nil, 0, 6, dial, count)
  PM.number(count).times do |i|
    peer = PM.at(dial, i)
    if peer.port % 3 != 0 # it answered
      PM.call(:update, peers, peer, PM::TYPE_OUTBOUND, 0, PM::BACKOFF_RESET)
    else
      PM.call(:update_backoff, peers, peer, PM::BACKOFF_INCREASE)
    end
    PM.call(:load, peers, peer, record)
    puts "dialled #{PM.format(record.address)}: type #{record.peer_type}, failures #{record.num_failures}"
  end
  told = PM.array(4)
  PM.call(:get_peers_to_send, peers, nil, PM.at(dial, 0), 4, told, count)
  PM.number(count).times { |i| puts "told #{PM.format(PM.at(told, i))}" }

  stats = PM::Stats.malloc(Fiddle::RUBY_FREE)
  PM.peer_manager_stats_init(stats, PM::Stats.size)
  PM.call(:get_stats, peers, stats)
  puts "#{stats.peers} peers, #{stats.outbound} outbound"
  [-> { PM.parse("256.1.1.1:80") }, -> { PM.call(:load, peers, PM.parse("1.1.1.1:1"), record) }].each do |wrong|
    wrong.call
  rescue PM::Failure => failure
    puts failure.message
  end
ensure
  PM.peer_manager_free(peers)
end
