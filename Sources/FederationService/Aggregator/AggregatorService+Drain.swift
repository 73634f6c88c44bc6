import Dispatch
import Federation
import FederationRun
import Logging
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// What a live service finds in its run folder: a request to come to rest, and whether its log is still there.
extension AggregatorService {
    /// Looks for a request to drain, beside the loop, and says there that it was seen.
    func searchForDrain() {
        figureFiles.replace(.drain) { [loop, folder = setup.folder, weak self] in
            guard var request = folder.readDrain(), request.state == .requested else { return }
            request.state = .draining
            try folder.write(request)
            loop.execute { [request, weak self] in self?.assumeIsolated { $0.takeUp(request) } }
        }
    }

    /// Looks, beside the loop, whether the log's last segment is still the file that is written.
    func watchLog() {
        guard let logWatch, !ended else { return }
        let length = pipeline.engine.segment.bytes
        figureFiles.replace(.log) { [loop, weak self] in
            do {
                try logWatch.check(length: length)
            } catch {
                // A segment that has ended since may be gone.
                loop.execute { [weak self] in
                    self?.assumeIsolated { if $0.logWatch?.path == logWatch.path { $0.stop(error) } }
                }
            }
        }
    }

    func watchSegment() throws {
        logWatch = try LogWatch(path: setup.folder.segment(pipeline.engine.segment.number))
    }

    /// Removes the segments that need not be kept and compresses others, on a thread of its own: it may take seconds.
    func lookAfterSegments() {
        upkeepQueue.async { [logger, folder = setup.folder, rules = configuration.log, time = clock.now()] in
            do {
                let (removed, compressed) = try SegmentUpkeep(of: folder, by: rules).apply(at: time)
                guard removed + compressed > 0 else { return }
                logger.info(
                    "older files of the log", metadata: ["removed": "\(removed)", "compressed": "\(compressed)"])
            } catch {
                logger.warning("older files of the log stay as they are", metadata: ["problem": "\(error)"])
            }
        }
    }

    func takeUp(_ request: Drain) {
        guard !ended else { return }
        attempt {
            try pipeline.drain(DrainRequested(patienceMilliseconds: request.patienceMilliseconds), at: clock.now())
            logger.info("draining", metadata: ["in_flight": "\(pipeline.aggregator.counts.inFlight)"])
            drain = request
            try advance()
        }
    }

    func tellDrained() throws {
        guard var drain else { return }
        let aggregator = pipeline.aggregator
        drain.state = aggregator.phase == .finished ? .finished : .resting
        drain.version = aggregator.version
        drain.updates = aggregator.counts.accepted
        drain.unanswered = aggregator.counts.inFlight
        try setup.folder.write(drain)
    }
}
