/**
 * The table of peers that a peer-to-peer node keeps: whom to dial next, whom to tell others about, how each address has
 * behaved. {@link peermanager.PeerManager} is where to begin.
 *
 * <p><b>Errors.</b> A call that fails throws a {@link peermanager.PeerManagerException}, one class for each status of the library,
 * and has done nothing. An argument that is null is a {@link java.lang.NullPointerException} that names it.
 *
 * <p><b>Time</b> is {@link java.time.Instant} and {@link java.time.Duration}. The library counts whole seconds since the epoch: a
 * fraction of an instant is cut off, and {@link java.time.Instant#MAX} and {@link java.time.Instant#MIN} stand for all that is
 * beyond what an {@code Instant} holds, so {@code Instant.MAX} is "for good".
 *
 * <p><b>Threads.</b> Everything here may be used from any number of threads, also virtual ones. A call into the library holds its
 * thread, and the carrier of a virtual one. That is well below a millisecond for most calls; those that
 * <b>may wait for the disk</b> say so. Where many virtual threads make such calls, open the table with
 * {@link peermanager.Durability#DEFERRED}, or make them on an executor of platform threads. A call is not interrupted.
 */
package peermanager;
