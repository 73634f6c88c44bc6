import Federation
import PromptAggregation
import PromptWire
import Testing

/// Bytes that are no message, and the one sentence that says why.
struct Malformed: Sendable, CustomTestStringConvertible {
    var bytes: [UInt8]
    var sentence: String
    var testDescription: String { sentence }

    init(_ fields: Fields, _ sentence: String) {
        self.bytes = fields.bytes
        self.sentence = sentence
    }
}

@Suite struct MalformedTests {
    private static let one = UInt64(1)
    private static let envelope = Fields().number(1, one)

    // MARK: Client messages

    private static func hello(_ client: [UInt8] = Array("c1".utf8), count: Int64 = 5) -> Fields {
        Fields().blob(1, client).number(2, one).signed(3, -1).number(4, count)
    }

    private static let floats = [UInt8](repeating: 0, count: 16)
    private static let prompts = Fields().text(1, "prompts").number(2, one).numbers(3, [2, 2]).blob(4, floats)

    private static func update(
        client: String = "c1", sequence: UInt64 = 1, task: UInt64 = 1, base: Int64 = 0, tensors: [Fields] = [prompts],
        promptIDs: [UInt64] = [3, 4], metrics: [Fields] = []
    ) -> Fields {
        var update = Fields().text(1, client).number(2, one).number(3, sequence).number(4, task).signed(5, base)
            .number(6, one)
        for tensor in tensors { update = update.message(7, tensor) }
        update = update.numbers(8, promptIDs)
        for metric in metrics { update = update.message(9, metric) }
        return envelope.message(3, update)
    }

    private static func prompts(
        name: String = "prompts", dtype: UInt64 = 1, shape: [UInt64] = [2, 2], bytes: Int = 16
    ) -> Fields {
        Fields().text(1, name).number(2, dtype).numbers(3, shape).blob(4, [UInt8](repeating: 0, count: bytes))
    }

    static let envelopes: [Malformed] = [
        Malformed(Fields(), "protocol: expected 1, found 0"),
        Malformed(Fields().number(1, UInt64(2)).message(2, hello()), "protocol: expected 1, found 2"),
        Malformed(envelope, "body: expected one of hello, update, heartbeat, goodbye, found none of them"),
        Malformed(Fields().raw([0xff]), "message: its 1 bytes are no ClientEnvelope in protobuf's encoding"),
        Malformed(
            envelope.raw([0x12, 0x7f, 0x00]), "message: its 5 bytes are no ClientEnvelope in protobuf's encoding"),
    ]

    static let hellos: [Malformed] = [
        Malformed(
            envelope.message(2, hello([])),
            "hello.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found 0"),
        Malformed(
            envelope.message(2, hello([UInt8](repeating: 0x61, count: 65))),
            "hello.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found 65"),
        Malformed(
            envelope.message(2, hello(Array("c/1".utf8))),
            "hello.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found '/' at byte 1"),
        Malformed(
            envelope.message(2, hello(Array("c1\0c2".utf8))),
            "hello.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found the bytes 00 at byte 2"),
        Malformed(
            envelope.message(2, hello(Array("grün".utf8))),
            "hello.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found the bytes c3 at byte 2"),
        Malformed(
            envelope.message(2, hello(count: -5)),
            "hello.sample_count: expected 0 to 1099511627776, found -5"),
        Malformed(
            envelope.message(2, hello(count: .max)),
            "hello.sample_count: expected 0 to 1099511627776, found 9223372036854775807"),
        Malformed(
            envelope.message(2, hello().signed(3, -2)),
            "hello.last_version: expected -1 to 1099511627776, found -2"),
        Malformed(
            envelope.message(2, hello().text(5, "ab\0c")),
            "hello.encoder_digest: expected text without NUL, found one at byte 2"),
        Malformed(
            envelope.message(2, hello().blob(5, [0x61, 0xff])),
            "hello.encoder_digest: expected UTF-8, found the bytes 61 ff"),
        Malformed(
            envelope.message(2, hello().blob(5, [UInt8](repeating: 0x61, count: 257))),
            "hello.encoder_digest: expected at most 256 bytes, found 257"),
    ]

    static let heartbeats: [Malformed] = [
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(2, one).signed(4, 0)),
            "heartbeat.activity: expected one of 1, 2, 3, found 0"),
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(3, UInt64(9))),
            "heartbeat.activity: expected one of 1, 2, 3, found 9"),
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(3, Int64(-1))),
            "heartbeat.activity: expected one of 1, 2, 3, found -1"),
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(3, one).number(6, Int64(-1))),
            "heartbeat.outstanding: expected 0 to 1099511627776, found -1"),
        Malformed(
            envelope.message(5, Fields().number(2, one)),
            "goodbye.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found 0"),
    ]

    static let updates: [Malformed] = [
        Malformed(update(sequence: 0), "update.sequence: expected at least 1, found 0"),
        Malformed(update(task: 0), "update.task: expected at least 1, found 0"),
        Malformed(update(base: -1), "update.base_version: expected 0 to 1099511627776, found -1"),
        Malformed(update(tensors: []), "update.tensors: expected one named 'prompts', found none"),
        Malformed(
            update(tensors: [prompts(name: "head.bias")]),
            "update.tensors: expected one named 'prompts', found 'head.bias'"),
        Malformed(
            update(tensors: [prompts(shape: [4])]),
            "update.tensors: expected a matrix of prompts, found the shape [4]"),
        Malformed(
            update(tensors: [prompts, prompts(name: "a"), prompts(name: "a")]),
            "update.tensors[2].name: expected different names, found 'a' a second time"),
        Malformed(
            update(tensors: [prompts(name: "")]), "update.tensors[0].name: expected a name, found none"),
        Malformed(
            update(tensors: [prompts(name: "a\nb")]),
            "update.tensors[0].name: expected no control characters, found one at byte 1"),
        Malformed(
            update(tensors: [prompts(name: "prompts\0")]),
            "update.tensors[0].name: expected text without NUL, found one at byte 7"),
        Malformed(
            update(tensors: [prompts(dtype: 0)]), "update.tensors[0].dtype: expected 1 (F32), found 0"),
        Malformed(
            update(tensors: [prompts, prompts(name: "b", dtype: 2)]),
            "update.tensors[1].dtype: expected 1 (F32), found 2"),
        Malformed(
            update(tensors: [prompts, prompts(name: "b"), prompts(name: "c", shape: [10, 192], bytes: 7676)]),
            "update.tensors[2].data: expected 7680 bytes for shape [10, 192] of F32, found 7676"),
        Malformed(
            update(tensors: [prompts(bytes: 17)]),
            "update.tensors[0].data: expected 16 bytes for shape [2, 2] of F32, found 17"),
        Malformed(
            update(tensors: [prompts(name: "b", shape: [1, 1, 1, 1, 1])]),
            "update.tensors[0].shape: expected at most 4, found 5"),
        Malformed(
            update(tensors: [prompts(shape: [.max, .max])]),
            "update.tensors[0].shape: expected at most 67108864 elements, "
                + "found the shape [18446744073709551615, 18446744073709551615]"),
        Malformed(
            update(tensors: [prompts(shape: [1 << 32, 1 << 32, 0], bytes: 0)]),
            "update.tensors[0].shape: expected at most 67108864 elements, found the shape [4294967296, 4294967296, 0]"),
        Malformed(
            update(promptIDs: [3]),
            "update.prompt_ids: expected one for each of the 2 rows of prompts, found 1"),
        Malformed(update(promptIDs: [4, 4]), "update.prompt_ids: expected different ones, found 4 twice"),
        Malformed(
            update(promptIDs: [UInt64](repeating: 0, count: 65_537)),
            "update.prompt_ids: expected at most 65536, found 65537"),
        Malformed(
            update(tensors: [Fields](repeating: prompts, count: 65)),
            "update.tensors: expected at most 64, found 65"),
        Malformed(
            update(metrics: [Fields](repeating: Fields().text(1, "m"), count: 65)),
            "update.metrics: expected at most 64, found 65"),
        Malformed(
            update(metrics: [Fields().text(1, "m"), Fields().text(1, "m")]),
            "update.metrics[1].name: expected different names, found 'm' a second time"),
        Malformed(
            update(metrics: [Fields().text(1, String(repeating: "m", count: 65))]),
            "update.metrics[0].name: expected at most 64 bytes, found 65"),
    ]

    @Test(arguments: envelopes + hellos + heartbeats + updates)
    func aClientMessageIsRefused(_ malformed: Malformed) {
        #expect(refusal { () throws(WireError) in try ClientCodec.decode(malformed.bytes) } == malformed.sentence)
    }

    // MARK: Aggregator messages

    private static let ack = Fields().text(1, "c1").number(2, one)

    private static func plan(optimizer: UInt64 = 1, personal: UInt64 = 1) -> Fields {
        Fields().number(1, one).number(3, one).number(4, optimizer).number(17, personal)
    }

    private static func task(_ plan: Fields?) -> Fields {
        let task = Fields().text(1, "c1").number(2, one)
        return envelope.message(4, plan.map { task.message(5, $0) } ?? task)
    }

    static let aggregatorMessages: [Malformed] = [
        Malformed(Fields().number(1, UInt64(7)), "protocol: expected 1, found 7"),
        Malformed(
            envelope.number(2, UInt64(9)),
            "body: expected one of welcome, task, global_prompts, ack, reject, beacon, found none of them"),
        Malformed(envelope.message(3, Fields().text(1, "c1")), "welcome.acknowledged: is missing"),
        Malformed(
            envelope.message(3, Fields().text(1, "c1").message(4, Fields())),
            "welcome.acknowledged.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found 0"),
        Malformed(
            envelope.message(3, Fields().text(1, "c1").message(4, ack)),
            "welcome.heartbeat_milliseconds: expected 1 to 1099511627776, found 0"),
        Malformed(task(nil), "task.plan: is missing"),
        Malformed(task(Fields()), "task.plan.epochs: expected 1 to 1099511627776, found 0"),
        Malformed(
            task(plan().number(3, UInt64(0))), "task.plan.batch_size: expected 1 to 1099511627776, found 0"),
        Malformed(task(plan(optimizer: 4)), "task.plan.optimizer: expected one of 1, 2, 3, found 4"),
        Malformed(
            task(plan().real(5, .nan)), "task.plan.prompt_learning_rate: expected a finite number, found nan"),
        Malformed(
            task(plan().real(14, -.infinity)), "task.plan.logit_adjustment: expected a finite number, found -inf"),
        Malformed(task(plan().real(15, .nan)), "task.plan.class_balance: expected a finite number, found nan"),
        Malformed(task(plan().real(16, .nan)), "task.plan.head_dropout: expected a finite number, found nan"),
        Malformed(task(plan().real(20, .nan)), "task.plan.generator_rate: expected a finite number, found nan"),
        Malformed(task(plan(personal: 0)), "task.plan.personal: expected one of 1, 2, 3, found 0"),
        Malformed(
            envelope.message(5, Fields().signed(1, -1).message(2, prompts).numbers(3, [1, 2])),
            "global_prompts.version: expected 0 to 1099511627776, found -1"),
        Malformed(
            envelope.message(5, Fields().message(2, prompts).numbers(3, [1, 2, 3])),
            "global_prompts.prompt_ids: expected one for each of the 2 rows of prompts, found 3"),
        Malformed(
            envelope.message(6, ack.number(3, UInt64(4)).numbers(4, [6, 6])),
            "ack.ahead[1]: expected more than 6, found 6"),
        Malformed(
            envelope.message(6, ack.number(3, UInt64(4)).numbers(4, [4])),
            "ack.ahead[0]: expected more than 4, found 4"),
        Malformed(envelope.message(7, ack), "reject.code: expected one of 1, 2, 3, 4, 5, 6, found 0"),
        Malformed(
            envelope.message(7, ack.number(4, one).blob(5, [0xc3])),
            "reject.reason: expected UTF-8, found the bytes c3"),
        Malformed(envelope.message(8, Fields()), "beacon.phase: expected one of 1, 2, found 0"),
        Malformed(
            envelope.message(8, Fields().number(1, one).number(8, Int64(-1))),
            "beacon.pool: expected 0 to 1099511627776, found -1"),
    ]

    @Test(arguments: aggregatorMessages)
    func anAggregatorMessageIsRefused(_ malformed: Malformed) {
        #expect(refusal { () throws(WireError) in try AggregatorCodec.decode(malformed.bytes) } == malformed.sentence)
    }

    // MARK: Log records

    static let records: [(LogChannel, Malformed)] = [
        (.header, Malformed(Fields(), "header.log_format: expected 1, found 0")),
        (
            .header,
            Malformed(
                Fields().number(1, one).message(6, Fields()),
                "header.initial.tensors: expected one named 'prompts', found none")
        ),
        (
            .incarnation,
            Malformed(Fields().text(2, "1\0"), "incarnation.build: expected text without NUL, found one at byte 1")
        ),
        (.received, Malformed(envelope, "body: expected one of hello, update, heartbeat, goodbye, found none of them")),
        (.timer, Malformed(Fields(), "timer.kind: expected one of 1, 2, 3, 4, 5, 6, found 0")),
        (
            .timer,
            Malformed(
                Fields().number(1, one), "timer.version: expected -1 for a timer that guards no version, found 0")
        ),
        (
            .timer,
            Malformed(
                Fields().number(1, UInt64(2)).signed(2, -1), "timer.version: expected 0 to 1099511627776, found -1")
        ),
        (
            .drain,
            Malformed(
                Fields().number(1, UInt64.max), "drain.patience_milliseconds: expected 0 to 1099511627776, found -1")
        ),
        (
            .publication,
            Malformed(Fields().blob(2, [1, 2]), "publication.digest: expected 16 to 64 bytes, found 2")
        ),
    ]

    @Test(arguments: records)
    func aLogRecordIsRefused(_ channel: LogChannel, _ malformed: Malformed) {
        #expect(
            refusal { () throws(WireError) in try LogCodec.decode(malformed.bytes, on: channel) } == malformed.sentence)
    }

    // MARK: Size

    @Test func aMessageBeyondTheLimitIsRefusedBeforeItIsUnpacked() {
        var limits = WireLimits()
        limits.messageBytes = 10
        let bytes = [UInt8](repeating: 0xff, count: 11)
        #expect(
            refusal { () throws(WireError) in try ClientCodec.decode(bytes, limits: limits) }
                == "message: expected at most 10 bytes, found 11")
    }

    /// Fields of two bytes each, known ones and unknown ones, would take fifty times the message's size unpacked.
    @Test(arguments: [[UInt8](arrayLiteral: 0x3a, 0x00), [0x7a, 0x00]])
    func manySmallFieldsCannotTakeMuchMemory(_ field: [UInt8]) {
        let update = Fields().raw((0..<500_000).flatMap { _ in field })
        #expect(
            refusal { () throws(WireError) in try ClientCodec.decode(Self.envelope.message(3, update).bytes) }
                == "message: holds more fields than its 1000006 bytes may be unpacked into")
    }

    private func refusal(_ decode: () throws(WireError) -> some Any) -> String {
        do throws(WireError) {
            return "no refusal but \(try decode())"
        } catch {
            return "\(error)"
        }
    }
}
