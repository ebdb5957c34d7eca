// The program of peers.c in C#.
//
//   Program DATABASE

using System;
using System.Runtime.InteropServices;
using PeerManager;
using static PeerManager.Native;

static class Program {
  static Address Parse(string text, ushort defaultPort = 0) {
    Check(peer_manager_address_parse(Utf8(text), defaultPort, out Address address, out Error error), error);
    return address;
  }

  static string Format(Address address) {
    var buffer = new byte[260]; // PEER_MANAGER_ADDRESS_TEXT_CAPACITY
    Check(peer_manager_address_format(ref address, buffer, (UIntPtr)buffer.Length, out Error error), error);
    return Text(buffer);
  }

  static Table Open(string path) {
    GCHandle pinned = GCHandle.Alloc(Utf8(path), GCHandleType.Pinned);
    try {
      peer_manager_options_init(out Options options, (UIntPtr)Marshal.SizeOf(typeof(Options)));
      options.DbPath = pinned.AddrOfPinnedObject();
      options.HasRngSeed = 1; // a real node leaves the seed alone
      options.RngSeed = 42;
      Check(peer_manager_open(ref options, out IntPtr peers, out Error error), error);
      return new Table(peers);
    } finally {
      pinned.Free();
    }
  }

  static Record Load(Table peers, Address address) {
    Check(peer_manager_load(peers, ref address, out Record record, out Error error), error);
    return record;
  }

  static void Dial(Table peers, Address peer) {
    bool answered = peer.Port % 3 != 0;
    Check(answered ? peer_manager_update(peers, ref peer, PeerType.Outbound, 0, Backoff.Reset, out Error error)
                   : peer_manager_update_backoff(peers, ref peer, Backoff.Increase, out error), error);
    Record record = Load(peers, peer);
    Console.WriteLine($"dialled {Format(record.Address)}: type {(uint)record.PeerType}, failures {record.NumFailures}");
  }

  static void Main(string[] arguments) {
    using (Table peers = Open(arguments.Length > 0 ? arguments[0] : "peers.db")) {
      Address[] heard = new Address[16], dial = new Address[6], told = new Address[4];
      for (int i = 0; i < heard.Length; i++) heard[i] = Parse($"8.{i}.4.4", (ushort)(11625 + i));
      Check(peer_manager_ensure_exists_many(peers, heard, (UIntPtr)16, out UIntPtr count, out Error error), error);
      Console.WriteLine($"heard of {count} new peers");

      Check(peer_manager_next_to_dial(peers, Purpose.Connect, null, UIntPtr.Zero, (UIntPtr)6, dial, out count, out error),
            error);
      for (int i = 0; i < (int)count; i++) Dial(peers, dial[i]);
      Check(peer_manager_get_peers_to_send(peers, IntPtr.Zero, ref dial[0], (UIntPtr)4, told, out count, out error),
            error);
      for (int i = 0; i < (int)count; i++) Console.WriteLine($"told {Format(told[i])}");

      peer_manager_stats_init(out Stats stats, (UIntPtr)Marshal.SizeOf(typeof(Stats)));
      Check(peer_manager_get_stats(peers, ref stats, out error), error);
      Console.WriteLine($"{stats.Peers} peers, {stats.Outbound} outbound");
      foreach (Action wrong in new Action[] { () => Parse("256.1.1.1:80"), () => Load(peers, Parse("1.1.1.1:1")) }) {
        try {
          wrong();
        } catch (PeerManagerException exception) {
          Console.WriteLine(exception);
        }
      }
    }
  }
}
