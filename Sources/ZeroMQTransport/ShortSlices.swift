import CZeroMQ

/// Has the scheduler run a thread as soon as a message wakes it, also where others compute on every core. Without that a
/// woken thread can wait until the next timer tick, 4 ms where there are 250 a second. A thread that computes keeps its
/// share of the time. Linux 6.12 and newer know slices of a thread's own; on older ones nothing changes.
package enum ShortSlices {
    /// The shortest that Linux takes.
    package static let nanoseconds: UInt64 = 100_000

    /// The calling thread's slice in nanoseconds; 0 where the kernel does not say it.
    package static var current: UInt64 { czeromq_slice() }

    /// Gives them to the calling thread.
    /// - Parameter forNewThreads: whether threads that it creates from now on get them too. Once they do not, only a
    ///   privileged process can have it otherwise.
    package static func take(forNewThreads: Bool) { _ = czeromq_set_slice(nanoseconds, forNewThreads ? 1 : 0) }
}
