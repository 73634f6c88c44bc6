import Federation
import FederationRun
import Logging
import PromptWire
import RunLog
import RunSettings
import ZeroMQTransport

/// How a live service changes settings that somebody asks for in the run folder.
extension AggregatorService {
    /// Looks for a request, beside the loop, and notes there that it was seen.
    func searchForChange() {
        figureFiles.replace(.change) { [loop, folder = setup.folder, weak self] in
            guard var request = try folder.readChange(), request.state == .requested else { return }
            request.state = .takenUp
            try folder.write(request)
            loop.execute { [request, weak self] in self?.assumeIsolated { $0.takeUp(request) } }
        }
    }

    private func takeUp(_ request: ChangeRequest) {
        guard !ended else { return }
        attempt {
            var answer = request
            do {
                let settings = request.settings.map { SettingChanged(key: $0.key, value: $0.value) }
                if request.extends == true { try pipeline.engine.requireAhead(settings) }
                try change(settings)
                answer.state = .made
                answer.version = pipeline.aggregator.version
                answer.updates = pipeline.aggregator.counts.accepted
            } catch let error as ConfigurationError {
                answer.state = .refused
                answer.reason = "\(error)"
            }
            var details: Logger.Metadata = ["settings": "\(request.words)"]
            if let reason = answer.reason { details["reason"] = "\(reason)" }
            logger.info(
                answer.state == .made ? "settings changed" : "settings not changed", metadata: details)
            figureFiles.append { [folder = setup.folder, answer] in try folder.write(answer) }
        }
    }

    /// Returns once the change is on the disk.
    private func change(_ settings: [SettingChanged]) throws {
        guard pipeline.aggregator.phase != .finished else {
            throw ConfigurationError(
                "the run has finished at version \(pipeline.aggregator.version); extend it once its aggregator has ended"
            )
        }
        configuration = try pipeline.change(settings, of: configuration, at: clock.now())
        try advance(settling: true)
        figureFiles.append { [folder = setup.folder, yaml = configuration.yaml] in
            try folder.write(yaml, to: folder.configuration)
        }
    }
}
