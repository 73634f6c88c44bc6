import CKernels

/// Threads that share the items of a task; the calling thread is one of them.
final class ThreadPool: @unchecked Sendable {
    /// The C pool synchronises its own state.
    private let pool: OpaquePointer
    let workers: Int

    /// - Throws: `TuningError.threads` when the system refuses to start them.
    init(workers: Int) throws(TuningError) {
        guard workers >= 1, let pool = ck_pool_create(workers) else { throw .threads(workers) }
        self.pool = pool
        self.workers = workers
    }

    deinit { ck_pool_destroy(pool) }

    /// Calls `work(worker, item)` once for each item, several at once, and returns when all are done. Which worker takes
    /// an item is chance. One caller at a time.
    func run(items: Int, _ work: (_ worker: Int, _ item: Int) -> Void) {
        withoutActuallyEscaping(work) { work in
            var task = Task(work: work)
            withUnsafeMutablePointer(to: &task) { pointer in
                ck_pool_run(
                    pool, items,
                    { context, worker, item in
                        context.assumingMemoryBound(to: Task.self).pointee.work(worker, item)
                    }, pointer)
            }
        }
    }

    private struct Task {
        let work: (Int, Int) -> Void
    }
}
