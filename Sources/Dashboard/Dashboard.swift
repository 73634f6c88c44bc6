import FederationRun
import FlyingSocks
import Logging

/// A page that shows how a run goes, and the same for Prometheus. It reads what the aggregator leaves in a `RunWatch`; the
/// aggregator knows nothing of it.
public struct Dashboard: Sendable {
    /// Where it is served, with its real port.
    public let address: DashboardAddress
    private let watch: RunWatch
    private let logger: Logger
    private let listener: HTTPListener
    private let streams: EventStreams
    private let metrics: RunMetrics

    /// Streams of events at the same time; the rest of the connections is left for everything else.
    private static let mostStreams = 32
    /// How long the aggregator's loop may be silent before it counts as stuck; systemd's watchdog waits as long.
    static let patience: Duration = .seconds(120)

    /// Listens, but answers nobody until it runs.
    /// - Parameter names: further host names that it is called by, such as a proxy's.
    /// - Throws: `ConfigurationError` where it cannot listen.
    public init(address: DashboardAddress, names: [String] = [], watch: RunWatch, logger: Logger) throws {
        let socket: Socket
        (socket, self.address) = try address.listen()
        self.watch = watch
        self.logger = logger
        streams = EventStreams(most: Self.mostStreams)
        metrics = RunMetrics()
        let pages = Pages(watch: watch, streams: streams, registry: metrics.registry, hosts: HostCheck(names: names))
        listener = HTTPListener(socket: socket) { pages.answer($0) }
    }

    /// Serves until the task is cancelled. A fault of the dashboard is logged; the run continues.
    public func run() async {
        logger.info("dashboard", metadata: ["address": "http://\(address)/"])
        await withDiscardingTaskGroup { group in
            group.addTask { await serve() }
            group.addTask { await feed() }
        }
    }

    private func serve() async {
        while !Task.isCancelled {
            do {
                try await listener.run()
            } catch {
                if Task.isCancelled { return }
                logger.warning("the dashboard restarts", metadata: ["problem": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Passes each posting of figures on, once.
    private func feed() async {
        var last: UInt64 = 0
        var silent = 0
        while !Task.isCancelled {
            silent += 1
            if let posting = watch.latest, posting.number != last {
                last = posting.number
                silent = 0
                metrics.observe(posting.figures, streams: streams.count)
                if streams.count > 0 { show(posting) }
            } else if silent % 20 == 0 {
                streams.send(EventStreams.pulse)
            }
            try? await Task.sleep(for: RunWatch.interval / 4)
        }
    }

    private func show(_ posting: RunWatch.Posting) {
        do {
            streams.send(try Pages.event(posting, lines: watch.lines.all))
        } catch {
            logger.warning("the dashboard cannot show the run", metadata: ["problem": "\(error)"])
        }
    }
}

/// What is to be had under which path.
package struct Pages: Sendable {
    let watch: RunWatch
    let streams: EventStreams
    let registry: PrometheusRegistry
    private let hosts: HostCheck
    /// Probes say nothing of the run, so anybody may ask them by any name.
    private static let probes: Set<String> = ["/healthz", "/readyz"]

    package init(watch: RunWatch, streams: EventStreams, registry: PrometheusRegistry, hosts: HostCheck) {
        self.watch = watch
        self.streams = streams
        self.registry = registry
        self.hosts = hosts
    }

    package func answer(_ request: RequestHead) -> HTTPListener.Answer {
        // A browser always names a host.
        guard request.host.map(hosts.admits) ?? true || Self.probes.contains(request.path) else {
            return .whole(
                Response(
                    .misdirected,
                    "call this server by its address, by localhost, by its machine's name or by a --dashboard-host"))
        }
        switch request.method {
        case "GET": return answer(path: request.path)
        case "HEAD":
            guard request.path != "/events" else { return .whole(Response.eventStream) }
            guard case .whole(var response) = answer(path: request.path) else { return .whole(Response.eventStream) }
            response.isHeadAlone = true
            return .whole(response)
        default: return .whole(Response(.methodNotAllowed, "only GET and HEAD are served"))
        }
    }

    private func answer(path: String) -> HTTPListener.Answer {
        switch path {
        case "/": return .whole(Response(type: "text/html; charset=utf-8", PackageResources.page_html))
        case "/page.css": return .whole(Response(type: "text/css; charset=utf-8", PackageResources.page_css))
        case "/page.js": return .whole(Response(type: "text/javascript; charset=utf-8", PackageResources.page_js))
        case "/events": return events()
        case "/metrics":
            return .whole(Response(type: "text/plain; version=0.0.4; charset=utf-8", Array(registry.text.utf8)))
        case "/healthz": return .whole(health(of: watch.latest?.instant))
        case "/readyz":
            guard watch.latest != nil else { return .whole(Response(.unavailable, "the run has not begun")) }
            return .whole(Response(.ok, "ready"))
        default: return .whole(Response(.notFound, "there are / /events /metrics /healthz /readyz"))
        }
    }

    /// A client gets the whole state at once, and then whatever is new.
    private func events() -> HTTPListener.Answer {
        let first: [UInt8]
        do {
            first = try watch.latest.map { try Self.event($0, lines: watch.lines.all) } ?? EventStreams.pulse
        } catch {
            return .whole(Response(.unavailable, "the run cannot be shown: \(error)"))
        }
        guard let stream = streams.open(first: first) else {
            return .whole(Response(.unavailable, "too many pages are open"))
        }
        return .stream(stream)
    }

    /// Healthy as long as the aggregator's loop turns; recovery, before it, takes its time.
    private func health(of lastTurn: ContinuousClock.Instant?) -> Response {
        guard let lastTurn, .now - lastTurn > Dashboard.patience else { return Response(.ok, "ok") }
        return Response(.unavailable, "the aggregator has been silent for \((.now - lastTurn).components.seconds) s")
    }

    static func event(_ posting: RunWatch.Posting, lines: [RecentLines.Line]) throws -> [UInt8] {
        EventStreams.event(id: posting.number, data: try Frame(posting.figures, lines: lines).json())
    }
}
