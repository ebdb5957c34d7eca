// The library for C#: P/Invoke declarations of what Program.cs uses, to be continued in the same way. It needs nothing newer
// than C# 7, so it compiles with .NET, .NET Framework and Mono.

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace PeerManager {

public enum PeerType : uint { Inbound, Outbound, Preferred }
public enum Backoff : uint { HardReset, Reset, Increase }
public enum Purpose : uint { Connect, Feeler }

// Sizes of texts are in the header, as PEER_MANAGER_HOST_CAPACITY and so on. size_t is a UIntPtr.
[StructLayout(LayoutKind.Sequential)]
public struct Address {
  [MarshalAs(UnmanagedType.ByValArray, SizeConst = 254)] public byte[] Host;
  public ushort Port;
}

[StructLayout(LayoutKind.Sequential)]
public struct Error {
  public int Status, SqliteCode;
  [MarshalAs(UnmanagedType.ByValArray, SizeConst = 248)] public byte[] Message;
}

[StructLayout(LayoutKind.Sequential)]
public struct Record {
  public Address Address;
  public long NextAttempt;
  public uint NumFailures;
  public PeerType PeerType;
}

[StructLayout(LayoutKind.Sequential)]
public struct Options {
  public uint StructSize, Durability;
  public IntPtr DbPath;
  public uint BusyTimeoutMs, FlushIntervalMs, OnCorrupt, HasRngSeed;
  public ulong RngSeed;
  public IntPtr Clock, ClockContext;
  public ulong MaxPeers;
  public uint MaxPeersPerNetgroup, ShareCacheSeconds, ShareMaxPercent, Reserved;
  public uint Reach, NameGroups, KeepHistory, BackoffSeconds, MaxBackoffExponent, Reserved2;
  public IntPtr AsmapPath;
}

[StructLayout(LayoutKind.Sequential)]
public struct Stats {
  public uint StructSize, Durability;
  public ulong Peers, Inbound, Outbound, Preferred, Ready, Netgroups, PendingWrites, FailedWrites, SkippedRows;
  public ulong RefusedPeers, Bans, LogBytes, ForgivenFailures, RejectedRows;
}

// Closed by Dispose, else by the finalizer; a call with one that is closed throws ObjectDisposedException.
public sealed class Table : SafeHandle {
  public Table(IntPtr peers) : base(IntPtr.Zero, true) { SetHandle(peers); }
  public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
  protected override bool ReleaseHandle() { Native.peer_manager_free(handle); return true; }
}

public sealed class PeerManagerException : Exception {
  public int Status { get; private set; }
  public PeerManagerException(Error error) : base(Native.Text(error.Message)) { Status = error.Status; }
  public override string ToString() {
    return "error " + Marshal.PtrToStringAnsi(Native.peer_manager_status_name(Status)) + ": " + Message;
  }
}

public static class Native {
  const string Library = "peer_manager"; // libpeer_manager.so, peer_manager.dll

  [DllImport(Library)]
  public static extern IntPtr peer_manager_status_name(int status);
  [DllImport(Library)]
  public static extern int peer_manager_address_parse(byte[] text, ushort defaultPort, out Address result,
      out Error error);
  [DllImport(Library)]
  public static extern int peer_manager_address_format(ref Address address, [Out] byte[] buffer, UIntPtr capacity,
      out Error error);
  [DllImport(Library)]
  public static extern void peer_manager_options_init(out Options options, UIntPtr structSize);
  [DllImport(Library)]
  public static extern int peer_manager_open(ref Options options, out IntPtr peers, out Error error);
  [DllImport(Library)]
  public static extern void peer_manager_free(IntPtr peers);
  [DllImport(Library)]
  public static extern int peer_manager_ensure_exists_many(Table peers, [In] Address[] addresses, UIntPtr count,
      out UIntPtr inserted, out Error error);
  [DllImport(Library)]
  public static extern int peer_manager_next_to_dial(Table peers, Purpose purpose, [In] Address[] busy,
      UIntPtr busyCount, UIntPtr size, [Out] Address[] result, out UIntPtr count, out Error error);
  [DllImport(Library)]
  public static extern int peer_manager_update(Table peers, ref Address address, PeerType observed,
      byte preferredTypeKnown, Backoff backoff, out Error error);
  [DllImport(Library)]
  public static extern int peer_manager_update_backoff(Table peers, ref Address address, Backoff backoff,
      out Error error);
  [DllImport(Library)]
  public static extern int peer_manager_load(Table peers, ref Address address, out Record result, out Error error);
  [DllImport(Library)]
  public static extern int peer_manager_get_peers_to_send(Table peers, IntPtr query, ref Address exclude, UIntPtr size,
      [Out] Address[] result, out UIntPtr count, out Error error);
  [DllImport(Library)]
  public static extern void peer_manager_stats_init(out Stats stats, UIntPtr structSize);
  [DllImport(Library)]
  public static extern int peer_manager_get_stats(Table peers, ref Stats stats, out Error error);

  // Text as C takes it.
  public static byte[] Utf8(string text) {
    if (text.IndexOf('\0') >= 0) throw new ArgumentException("the text contains a NUL; leave it out");
    return Encoding.UTF8.GetBytes(text + '\0');
  }

  // Text that C has written.
  public static string Text(byte[] utf8) { return Encoding.UTF8.GetString(utf8, 0, Array.IndexOf(utf8, (byte)0)); }

  public static void Check(int status, Error error) {
    if (status != 0) throw new PeerManagerException(error);
  }
}

}
