/// An HTTP/1.1 response; the connection ends with it.
package struct Response: Sendable, Equatable {
    package enum Status: String, Sendable {
        case ok = "200 OK"
        case badRequest = "400 Bad Request"
        case notFound = "404 Not Found"
        case methodNotAllowed = "405 Method Not Allowed"
        case timeout = "408 Request Timeout"
        case misdirected = "421 Misdirected Request"
        case headTooLarge = "431 Request Header Fields Too Large"
        case unavailable = "503 Service Unavailable"
        case versionNotSupported = "505 HTTP Version Not Supported"
    }

    package var status: Status
    package var type: String
    /// nil for a stream, which ends with the connection.
    package var body: [UInt8]?
    /// Whether the body is described and not sent, which answers HEAD.
    package var isHeadAlone = false

    package static let plain = "text/plain; charset=utf-8"

    /// A whole response.
    package init(_ status: Status = .ok, type: String = Response.plain, _ body: [UInt8]) {
        self.status = status
        self.type = type
        self.body = body
    }

    package init(_ status: Status, _ text: String) { self.init(status, Array("\(text)\n".utf8)) }

    init(_ refusal: Refusal) { self.init(refusal.status, refusal.reason) }

    /// The beginning of server-sent events.
    static let eventStream: Response = {
        var response = Response(type: "text/event-stream; charset=utf-8", [])
        response.body = nil
        return response
    }()

    /// Nothing but what comes from here may be loaded or run, nothing may frame the page, and nothing is kept.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none';"
        + " form-action 'none'; frame-ancestors 'none'"

    package var bytes: [UInt8] {
        var fields = [
            "HTTP/1.1 \(status.rawValue)", "Connection: close", "Content-Type: \(type)", "Cache-Control: no-store",
            "Content-Security-Policy: \(Self.policy)", "X-Content-Type-Options: nosniff",
            "Referrer-Policy: no-referrer", "Cross-Origin-Resource-Policy: same-origin",
        ]
        if let body { fields.append("Content-Length: \(body.count)") }
        // A proxy that collected events would hold them back.
        if body == nil { fields.append("X-Accel-Buffering: no") }
        if status == .methodNotAllowed { fields.append("Allow: GET, HEAD") }
        return Array((fields.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (isHeadAlone ? [] : body ?? [])
    }
}
