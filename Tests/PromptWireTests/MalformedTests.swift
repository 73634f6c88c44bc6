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
    private static let envelope = Fields().number(1, UInt64(2))
    private static let aggregator = envelope.number(3, one)

    // MARK: Client messages

    private static func hello(_ client: [UInt8] = Array("c1".utf8), count: Int64 = 5) -> Fields {
        Fields().blob(1, client).number(2, one).number(3, count)
    }

    private static let floats = [UInt8](repeating: 0, count: 16)
    private static let prompts = Fields().text(1, "prompts").number(2, one).numbers(3, [2, 2]).blob(4, floats)

    private static func update(
        client: String = "c1", task: UInt64 = 1, base: Int64 = 0, tensors: [Fields] = [prompts],
        promptIDs: [UInt64] = [3, 4], metrics: [Fields] = []
    ) -> Fields {
        var update = Fields().text(1, client).number(2, one).number(3, UInt64(9)).number(4, task).signed(5, base)
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
        Malformed(Fields(), "protocol: expected 2, found 0"),
        Malformed(Fields().number(1, one).message(2, hello()), "protocol: expected 2, found 1"),
        Malformed(
            envelope,
            "body: expected one of hello, update, failure, fetch, heartbeat, presence, evaluation, goodbye, found none"
                + " of them"),
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
            envelope.message(2, hello().message(4, Fields().text(1, "ab\0c"))),
            "hello.model.digest: expected text without NUL, found one at byte 2"),
        Malformed(
            envelope.message(2, hello().message(4, Fields().blob(1, [0x61, 0xff]))),
            "hello.model.digest: expected UTF-8, found the bytes 61 ff"),
        Malformed(
            envelope.message(2, hello().message(4, Fields().message(2, Fields().text(2, "x")))),
            "hello.model.fields[0].name: expected a name, found none"),
        Malformed(
            envelope.message(
                2,
                hello().message(
                    4, Fields().message(2, Fields().text(1, "a").blob(2, [UInt8](repeating: 0x61, count: 257))))),
            "hello.model.fields[0].value: expected at most 256 bytes, found 257"),
        Malformed(
            envelope.message(2, hello().message(4, Fields().raw((0..<4097).flatMap { _ in [0x12, 0x00] as [UInt8] }))),
            "hello.model.fields: expected at most 4096, found 4097"),
    ]

    static let heartbeats: [Malformed] = [
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(2, one)),
            "heartbeat.activity: expected one of 1, 2, 3, found 0"),
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(3, UInt64(9))),
            "heartbeat.activity: expected one of 1, 2, 3, found 9"),
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(3, Int64(-1))),
            "heartbeat.activity: expected one of 1, 2, 3, found -1"),
        Malformed(
            envelope.message(4, Fields().text(1, "c1").number(3, one).number(5, Int64(-1))),
            "heartbeat.outstanding: expected 0 to 1099511627776, found -1"),
        Malformed(
            envelope.message(5, Fields().number(2, one)),
            "goodbye.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found 0"),
        Malformed(envelope.message(8, Fields()), "presence.heartbeats: expected at least 1, found 0"),
        Malformed(
            envelope.message(
                8,
                Fields().message(1, Fields().text(1, "c1").number(3, one)).message(1, Fields().text(1, "c2"))),
            "presence.heartbeats[1].activity: expected one of 1, 2, 3, found 0"),
        Malformed(
            envelope.message(8, Fields().raw((0..<4097).flatMap { _ in [0x0a, 0x00] as [UInt8] })),
            "presence.heartbeats: expected at most 4096, found 4097"),
        Malformed(
            envelope.message(6, Fields().text(1, "c1")), "failure.task: expected at least 1, found 0"),
        Malformed(
            envelope.message(
                6, Fields().text(1, "c1").number(3, one).text(4, String(repeating: "x", count: 1025))),
            "failure.reason: expected at most 1024 bytes, found 1025"),
        Malformed(
            envelope.message(7, Fields().text(1, "c1").signed(3, -2)),
            "fetch.holding: expected -1 to 1099511627776, found -2"),
    ]

    static let updates: [Malformed] = [
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
            update(tensors: [prompts(dtype: 0)]), "update.tensors[0].dtype: expected one of 1, 2, found 0"),
        Malformed(
            update(tensors: [prompts, prompts(name: "b", dtype: 3)]),
            "update.tensors[1].dtype: expected one of 1, 2, found 3"),
        Malformed(
            update(tensors: [prompts, prompts(name: "b", dtype: 2, bytes: 8)]),
            "update.tensors[1].dtype: expected 1, as of the others, found 2"),
        Malformed(
            update(tensors: [prompts(dtype: 2, bytes: 8), prompts(name: "fixed.b", dtype: 2, bytes: 8)]),
            "update.tensors[1].dtype: expected 1, as of the others, found 2"),
        Malformed(
            update(tensors: [prompts(dtype: 2)]),
            "update.tensors[0].data: expected 8 bytes for shape [2, 2] of F16, found 16"),
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

    private static let toOne = Fields().text(1, "c1").number(2, one)

    private static func plan(optimizer: UInt64 = 1, personal: UInt64 = 1) -> Fields {
        Fields().number(1, one).number(3, one).number(4, optimizer).number(17, personal)
    }

    private static func task(_ plan: Fields?) -> Fields {
        let task = Fields().text(1, "c1").number(3, one)
        return aggregator.message(5, plan.map { task.message(6, $0) } ?? task)
    }

    static let aggregatorMessages: [Malformed] = [
        Malformed(Fields().number(1, UInt64(7)), "protocol: expected 2, found 7"),
        Malformed(envelope.number(2, UInt64(9)), "epoch: expected at least 1, found 0"),
        Malformed(
            aggregator,
            "body: expected one of welcome, task, prompts, evaluate, ack, reject, refuse, say_hello, beacon,"
                + " malformed, found none of them"),
        Malformed(
            aggregator.message(4, Fields().text(1, "c1")),
            "welcome.heartbeat_milliseconds: expected 1 to 1099511627776, found 0"),
        Malformed(
            aggregator.message(4, Fields().text(1, "c1").number(4, one)),
            "welcome.dtype: expected one of 1, 2, found 0"),
        Malformed(
            aggregator.message(5, Fields().text(1, "c1")), "task.number: expected at least 1, found 0"),
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
        Malformed(
            task(plan().number(21, Int64(-1))), "task.plan.first_block: expected 0 to 1099511627776, found -1"),
        Malformed(task(plan(personal: 0)), "task.plan.personal: expected one of 1, 2, 3, found 0"),
        Malformed(
            aggregator.message(6, Fields().signed(1, -1).message(2, prompts).numbers(3, [1, 2])),
            "prompts.version: expected 0 to 1099511627776, found -1"),
        Malformed(
            aggregator.message(6, Fields().message(2, prompts).numbers(3, [1, 2, 3])),
            "prompts.prompt_ids: expected one for each of the 2 rows of prompts, found 3"),
        Malformed(states([("b", 1), ("b", 1)]), "prompts.unchanged[1].name: expected one behind 'b', found 'b'"),
        Malformed(states([("b", 1), ("a", 1)]), "prompts.unchanged[1].name: expected one behind 'b', found 'a'"),
        Malformed(
            states([("prompts", 1)]), "prompts.unchanged[0].name: expected one that was left out, found 'prompts'"),
        Malformed(states([("b", 5)]), "prompts.unchanged[0].since: expected less than 5, found 5"),
        Malformed(states([("b", -1)]), "prompts.unchanged[0].since: expected 0 to 1099511627776, found -1"),
        Malformed(
            states((0..<64).map { ("b\(10 + $0)", 1) }), "prompts.unchanged: expected at most 63, found 64"),
        Malformed(aggregator.message(7, Fields().text(1, "c1")), "ack.task: expected at least 1, found 0"),
        Malformed(
            aggregator.message(8, Fields().text(1, "c1").number(3, one)),
            "reject.code: expected one of 1, 2, 3, 6, 7, 4, 5, found 0"),
        Malformed(
            aggregator.message(8, Fields().text(1, "c1").number(3, one).number(4, one).blob(5, [0xc3])),
            "reject.reason: expected UTF-8, found the bytes c3"),
        Malformed(aggregator.message(9, toOne), "refuse.code: expected one of 1, 2, 3, 4, found 0"),
        Malformed(
            aggregator.message(10, Fields().number(2, one)),
            "say_hello.client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found 0"),
        Malformed(aggregator.message(11, Fields()), "beacon.phase: expected one of 1, 2, found 0"),
        Malformed(
            aggregator.message(11, Fields().number(1, one).number(8, Int64(-1))),
            "beacon.pool: expected 0 to 1099511627776, found -1"),
        Malformed(
            aggregator.message(12, Fields().text(1, "c1").blob(2, [UInt8](repeating: 0x61, count: 16_385))),
            "malformed.reason: expected at most 16384 bytes, found 16385"),
    ]

    /// Prompts of version 5 that leave tensors out.
    private static func states(_ unchanged: [(name: String, since: Int64)]) -> Fields {
        var state = Fields().signed(1, 5).message(2, prompts).numbers(3, [1, 2])
        for tensor in unchanged { state = state.message(4, Fields().text(1, tensor.name).signed(2, tensor.since)) }
        return aggregator.message(6, state)
    }

    @Test(arguments: aggregatorMessages)
    func anAggregatorMessageIsRefused(_ malformed: Malformed) {
        #expect(refusal { () throws(WireError) in try AggregatorCodec.decode(malformed.bytes) } == malformed.sentence)
    }

    // MARK: Log records

    private static let program = Fields().text(1, "1").text(2, "portable").number(3, one)

    static let records: [(LogChannel, Malformed)] = [
        (.header, Malformed(Fields(), "header.log_format: expected 4, found 0")),
        (
            .header,
            Malformed(
                Fields().number(1, UInt64(4)).message(6, Fields()),
                "header.initial.tensors: expected one named 'prompts', found none")
        ),
        (
            .header,
            Malformed(
                Fields().number(1, UInt64(4)).message(
                    6, Fields().message(2, prompts(dtype: 2, bytes: 8)).numbers(3, [1, 2])),
                "header.initial.tensors: expected a whole state in F32, found F16")
        ),
        (.epoch, Malformed(Fields(), "epoch.epoch: expected at least 1, found 0")),
        (
            .epoch,
            Malformed(
                Fields().number(1, one).message(2, Fields().text(1, "1\0")),
                "epoch.program.build: expected text without NUL, found one at byte 1")
        ),
        (.epoch, Malformed(Fields().number(1, one), "epoch.program: expected it, found none")),
        (
            .epoch,
            Malformed(
                Fields().number(1, one).message(2, program).blob(3, [1]),
                "epoch.signing_key: expected 32 bytes, found 1")
        ),
        (
            .epoch,
            Malformed(
                Fields().number(1, one).message(2, program).message(4, Fields().signed(1, 3)),
                "epoch.fork.logged: expected 16 to 64 bytes, found 0")
        ),
        (
            .validation,
            Malformed(Fields().real(2, .nan), "validation.accuracy: expected a finite number, found nan")
        ),
        (.checkpoint, Malformed(Fields().number(1, one), "checkpoint.chain: expected 32 bytes, found 0")),
        (
            .checkpoint,
            Malformed(
                Fields().number(1, one).blob(2, [UInt8](repeating: 0, count: 32)).blob(3, [1, 2]),
                "checkpoint.signature: expected 64 bytes, found 2")
        ),
        (
            .received,
            Malformed(
                envelope,
                "body: expected one of hello, update, failure, fetch, heartbeat, presence, evaluation, goodbye, found none"
                    + " of them")
        ),
        (.tick, Malformed(Fields().raw([0xff]), "message: its 1 bytes are no Tick in protobuf's encoding")),
        (.tick, Malformed(Fields().blob(1, [1, 2, 3]), "tick.heard: expected pairs, found 3 numbers")),
        (
            .tick,
            Malformed(
                Fields().blob(1, [0, 2, 0, 1]),
                "tick.heard[2]: expected clients, and a gap before all but the first, found 0 left out and 1 heard")
        ),
        (
            .tick,
            Malformed(
                Fields().blob(1, [4, 0]),
                "tick.heard[0]: expected clients, and a gap before all but the first, found 4 left out and 0 heard")
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
}
