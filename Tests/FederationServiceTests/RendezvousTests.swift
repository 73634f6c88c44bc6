import FederationService
import Foundation
import RunLog
import RunSettings
import Testing

/// How workers find the aggregator: the file with its addresses, the address in it, and which clients they host.
@Suite struct RendezvousTests {
    private let endpoints = RunConfiguration.Endpoints(updates: "tcp://10.1.2.3:5601", prompts: "tcp://10.1.2.3:5602")

    @Test func whatIsAnnouncedIsReadBackAndIsAConfigurationToo() throws {
        let key = String(repeating: "a", count: 40)
        for rendezvous in [Rendezvous.open(endpoints, key: nil), .open(endpoints, key: key), .finished] {
            #expect(try Rendezvous(text: rendezvous.text, file: "f") == rendezvous)
            var layers = ConfigurationLayers()
            try layers.add(yaml: rendezvous.text, name: "f")
            let configuration = try RunConfiguration(layers)
            guard case .open(let endpoints, let key) = rendezvous else { continue }
            #expect(configuration.endpoints == endpoints && configuration.security.aggregatorKey == key)
        }
    }

    @Test func aFileThatNamesNoEndpointsIsRefused() throws {
        #expect(throws: ConfigurationError("f: expected endpoints.updates and endpoints.prompts")) {
            try Rendezvous(text: "endpoints: {updates: 'tcp://a:1'}", file: "f")
        }
        #expect(throws: ConfigurationError.self) { try Rendezvous(text: "{", file: "f") }
        #expect(try RunFolder(path: "/nowhere").rendezvous() == nil)
    }

    @Test func anotherStartKeepsThePortsThatTheConfigurationLeavesOpen() {
        let open = RunConfiguration.Endpoints(updates: "tcp://*:*", prompts: "tcp://*:7000")
        #expect(
            open.keepingPorts(of: endpoints)
                == .init(updates: "tcp://*:5601", prompts: "tcp://*:7000"))
        let local = RunConfiguration.Endpoints(updates: "ipc:///a", prompts: "tcp://127.0.0.1:*")
        #expect(
            local.keepingPorts(of: .init(updates: "ipc:///b", prompts: "ipc:///c")) == local,
            "an earlier endpoint without a port gives none")
    }

    @Test func whatIsNoTCPEndpointIsNone() {
        for text in ["", "tcp", "tcp:", "tcp://", "tcp://localhost", "tcp://:5601", "tcp://*:x", "ipc:///tmp/a:1"] {
            #expect(TCPEndpoint(text) == nil, "\(text)")
        }
        #expect(TCPEndpoint("tcp://[::1]:5601")?.host == "[::1]")
    }

    @Test func anIPv6AddressStandsInBrackets() {
        for text in [
            "tcp://::1:5601", "tcp://[::1:5601", "tcp://::1]:5601", "tcp://[]:5601", "tcp://[localhost]:5601",
            "tcp://[::1]", "tcp://[1.2.3.4]:1", "tcp://[fe80::1%eth0:5601",
        ] { #expect(TCPEndpoint(text) == nil, "\(text)") }
        for text in ["tcp://[::]:*", "tcp://[fd00:1::2]:65535", "tcp://[fe80::1%eth0]:5601"] {
            #expect(TCPEndpoint(text)?.description == text)
        }
    }

    @Test(arguments: [
        ("tcp://[::1]:1", false, true), ("tcp://[0:0:0:0:0:0:0:1]:1", false, true), ("tcp://[::]:1", true, false),
        ("tcp://[::ffff:127.0.0.9]:1", false, true), ("tcp://[::ffff:10.0.0.9]:1", false, false),
        ("tcp://[fd00::1]:1", false, false), ("tcp://*:1", true, false), ("tcp://0.0.0.0:1", true, false),
        ("tcp://127.3.2.1:1", false, true), ("tcp://localhost:1", false, true), ("tcp://10.0.0.1:1", false, false),
    ]) func whoReachesAnEndpointIsKnownForBothFamilies(text: String, everyAddress: Bool, thisMachine: Bool) throws {
        let endpoint = try #require(TCPEndpoint(text))
        #expect(endpoint.isEveryAddress == everyAddress)
        #expect(endpoint.staysOnThisMachine == thisMachine)
    }

    @Test func onlyAWildcardIsAdvertisedAsSomethingElse() throws {
        let bound = RunConfiguration.Endpoints(updates: "tcp://0.0.0.0:5601", prompts: "tcp://10.9.9.9:5602")
        #expect(
            try bound.advertised(as: "agg.example")
                == .init(updates: "tcp://agg.example:5601", prompts: "tcp://10.9.9.9:5602"))
        #expect(try bound.advertised(as: "lo").updates == "tcp://127.0.0.1:5601")
        #expect(try bound.advertised(as: "127.0.0.0/8").updates == "tcp://127.0.0.1:5601")
        let found = try #require(TCPEndpoint(try bound.advertised(as: "").updates))
        #expect(!found.isEveryAddress && found.port == "5601")
    }

    @Test func theAddressIsThatOfTheInterfaceOrNetworkAskedFor() throws {
        let own = [
            ReachableAddress.Own(interface: "lo", address: 0x7F00_0001),
            .init(interface: "eth0", address: 0xC0A8_0105), .init(interface: "ib0", address: 0x0A01_0203),
        ]
        func find(_ wish: String, route: String? = nil) throws -> String {
            try ReachableAddress.find(wish, among: own, byRoute: route)
        }
        #expect(try find("ib0") == "10.1.2.3")
        #expect(try find("10.1.0.0/16") == "10.1.2.3")
        #expect(try find("0.0.0.0/0") == "127.0.0.1")
        #expect(try find("192.168.1.5/32") == "192.168.1.5")
        #expect(try find("node-7") == "node-7", "a name is taken as it is")
        #expect(try find("", route: "10.0.0.9") == "10.0.0.9")
        #expect(try find("") == "192.168.1.5", "without a default route, the first that is not loopback")
        #expect(try ReachableAddress.find("", among: [own[0]], byRoute: nil) == "127.0.0.1")
        let words = #expect(throws: ConfigurationError.self) { try find("172.16.0.0/12") }
        #expect(words?.description.contains("10.1.2.3 (ib0)") == true)
        for wrong in ["10.1.0.0/33", "10.1/16", "10.1.0.0/", "/8"] {
            #expect(throws: ConfigurationError.self) { try find(wrong) }
        }
    }

    @Test func aTaskOfAnArrayKnowsItsPlaceWhereverTheArrayBegins() throws {
        var environment = [
            "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_STEP": "2",
            "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_PROCID": "0",
        ]
        #expect(try WorkerPlace(environment: environment) == WorkerPlace(index: 2, of: 4))
        #expect(try WorkerPlace(of: 10, environment: environment) == WorkerPlace(index: 7, of: 10))
        environment["SLURM_STEP_NUM_TASKS"] = "3"
        environment["SLURM_PROCID"] = "1"
        #expect(try WorkerPlace(environment: environment) == WorkerPlace(index: 7, of: 12))
        let places = try (0..<12).map { place in
            environment["SLURM_ARRAY_TASK_ID"] = "\(3 + place / 3 * 2)"
            environment["SLURM_PROCID"] = "\(place % 3)"
            return try WorkerPlace(environment: environment).index
        }
        #expect(places == Array(0..<12), "each place is dealt once")
    }

    @Test func aTaskOfAStepTakesItsRank() throws {
        let environment = ["SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "5"]
        #expect(try WorkerPlace(environment: environment) == WorkerPlace(index: 2, of: 5))
        #expect(try WorkerPlace(of: 8, environment: environment) == WorkerPlace(index: 2, of: 8))
    }

    @Test func whatIsNoTaskOfSlurmsIsRefused() throws {
        // A batch script has SLURM_PROCID, too, but is no task among others.
        let words = #expect(throws: ConfigurationError.self) { try WorkerPlace(environment: ["SLURM_PROCID": "0"]) }
        #expect(words?.description.contains("SLURM_ARRAY_TASK_ID") == true)
        #expect(throws: ConfigurationError.self) { try WorkerPlace(environment: ["SLURM_ARRAY_TASK_ID": "x"]) }
        #expect(throws: ConfigurationError.self) { try WorkerPlace(environment: ["SLURM_ARRAY_TASK_ID": "1"]) }
        let gap = [
            "SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_COUNT": "2",
        ]
        let hint = #expect(throws: ConfigurationError.self) { try WorkerPlace(environment: gap) }
        #expect(hint?.description.contains("--workers") == true)
    }
}
