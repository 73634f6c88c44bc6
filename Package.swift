// swift-tools-version: 6.1
import PackageDescription

/// Every Swift target compiles in the Swift 6 language mode (the tools version's default) with these on top.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "impromptu",
    products: [
        .executable(name: "impromptu", targets: ["impromptu"]),
        .library(name: "Impromptu", targets: ["FederationService", "Lab"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Libraries of the system (Deploy/setup installs them).
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CTurboJPEG", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CPNG", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CProtobufC", providers: [.apt(["libprotobuf-c-dev"])]),

        // C.
        // No Swift file imports CProtobufC, so its module map's `link` takes no effect and the library is named here.
        .target(
            name: "CPromptWire", dependencies: ["CProtobufC"], linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(name: "CKernels"),
        .target(name: "CChecksum", dependencies: ["CZlib"]),

        // Pure: no clock, no input or output, no logger.
        .target(name: "PromptAggregation", dependencies: ["CKernels"], swiftSettings: swiftSettings),
        .target(name: "Federation", dependencies: ["PromptAggregation"], swiftSettings: swiftSettings),

        // Codec and edges.
        .target(
            name: "PromptWire", dependencies: ["Federation", "PromptAggregation", "CPromptWire"],
            swiftSettings: swiftSettings),
        .target(name: "Files", swiftSettings: swiftSettings),
        .target(name: "MessageLog", dependencies: ["CChecksum", "CZlib", "CZstd"], swiftSettings: swiftSettings),
        .target(name: "ZeroMQTransport", dependencies: ["CZeroMQ"], swiftSettings: swiftSettings),
        .target(name: "Safetensors", dependencies: ["Files"], swiftSettings: swiftSettings),
        .target(name: "Tokenization", dependencies: ["Files"], swiftSettings: swiftSettings),
        .target(
            name: "Datasets",
            dependencies: ["Files", "PromptAggregation", "Safetensors", "Text", "CPNG", "CTurboJPEG", "CZlib"],
            swiftSettings: swiftSettings),

        // Compute.
        .target(
            name: "PromptTuning",
            dependencies: ["CKernels", "Files", "PromptAggregation", "Safetensors", "Tokenization"],
            resources: [.copy("Resources/vit-tiny-32")], swiftSettings: swiftSettings),

        // What everybody may use: words and pictures that know no run.
        .target(name: "Text", swiftSettings: swiftSettings),
        .target(name: "Console", swiftSettings: swiftSettings),
        .target(name: "Charts", dependencies: ["Text"], swiftSettings: swiftSettings),

        // A run: what it is told, what it leaves behind, what takes part in it.
        .target(
            name: "RunSettings",
            dependencies: ["Datasets", "Federation", "Files", "PromptAggregation", "Text", "Yams"],
            swiftSettings: swiftSettings),
        .target(
            name: "RunLog",
            dependencies: [
                "CCrypto", "CMalloc", "CSodium", "Federation", "Files", "MessageLog", "PromptAggregation", "PromptWire",
                "RunSettings", "Safetensors", "Text",
            ], swiftSettings: swiftSettings),
        .target(
            name: "FaultSimulation",
            dependencies: ["Federation", "MessageLog", "PromptAggregation", "PromptWire", "RunLog", "RunSettings"],
            swiftSettings: swiftSettings),
        .target(
            name: "FederationRun",
            dependencies: [
                "Console", "Datasets", "Federation", "Files", "PromptAggregation", "PromptTuning", "PromptWire",
                "RunLog", "RunSettings", "Text", "Tokenization", .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: swiftSettings),

        // What people run.
        .target(
            name: "FederationService",
            dependencies: [
                "Console", "Federation", "FederationRun", "Files", "MessageLog", "PromptAggregation", "PromptTuning",
                "PromptWire", "RunLog", "RunSettings", "Text", "ZeroMQTransport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: swiftSettings),
        .target(
            name: "ClientCheck",
            dependencies: [
                "Federation", "FederationRun", "FederationService", "PromptAggregation", "PromptTuning", "PromptWire",
                "RunLog", "RunSettings", "Text", "ZeroMQTransport",
            ], swiftSettings: swiftSettings),
        .target(
            name: "Dashboard",
            dependencies: [
                "Federation", "FederationRun", "PromptAggregation", "RunLog", "RunSettings", "Text",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
            ],
            // In the program itself: an installed binary finds its page without a folder beside it.
            resources: [
                .embedInCode("Page/page.html"), .embedInCode("Page/page.css"), .embedInCode("Page/page.js"),
            ], swiftSettings: swiftSettings),
        .target(
            name: "Lab",
            dependencies: [
                "Charts", "Datasets", "Federation", "FederationRun", "Files", "PromptAggregation", "PromptTuning",
                "PromptWire", "RunLog", "RunSettings", "Text", "Tokenization", "Yams",
            ], swiftSettings: swiftSettings),
        .target(
            name: "Benchmarks",
            dependencies: [
                "CMalloc", "Console", "Federation", "FederationService", "MessageLog", "PromptAggregation",
                "PromptWire",
                "RunLog", "RunSettings", "Text", "ZeroMQTransport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: swiftSettings),
        .executableTarget(
            name: "impromptu",
            dependencies: [
                "Benchmarks", "ClientCheck", "Console", "Dashboard", "Datasets", "FaultSimulation", "Federation",
                "FederationRun", "FederationService", "Files", "Lab", "PromptAggregation", "PromptTuning", "PromptWire",
                "RunLog",
                "RunSettings",
                "Text", "ZeroMQTransport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: swiftSettings),

        .testTarget(
            name: "PromptAggregationTests", dependencies: ["PromptAggregation", "Safetensors", "CKernels"],
            resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
        .testTarget(
            name: "FederationTests", dependencies: ["Federation", "PromptAggregation"], exclude: ["Scenarios"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "PromptWireTests", dependencies: ["PromptWire", "Federation", "PromptAggregation"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MessageLogTests", dependencies: ["MessageLog", "CChecksum", "CZlib"], swiftSettings: swiftSettings),
        .testTarget(name: "ZeroMQTransportTests", dependencies: ["ZeroMQTransport"], swiftSettings: swiftSettings),
        .testTarget(name: "FilesTests", dependencies: ["Files"], swiftSettings: swiftSettings),
        .testTarget(name: "SafetensorsTests", dependencies: ["Safetensors"], swiftSettings: swiftSettings),
        .testTarget(
            name: "TokenizationTests", dependencies: ["Tokenization"], resources: [.copy("Fixtures")],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "DatasetsTests", dependencies: ["Datasets", "PromptAggregation"],
            resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
        .testTarget(
            name: "PromptTuningTests",
            dependencies: ["CKernels", "Datasets", "PromptAggregation", "PromptTuning", "Safetensors", "TestSupport"],
            resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
        .testTarget(
            name: "RunSettingsTests", dependencies: ["RunSettings", "Datasets", "Federation", "PromptAggregation"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "RunLogTests",
            dependencies: [
                "CZlib", "Lab", "RunLog", "Federation", "MessageLog", "PromptAggregation", "PromptWire", "RunSettings",
                "TestSupport",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "FaultSimulationTests", dependencies: ["FaultSimulation", "PromptAggregation"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "FederationRunTests", dependencies: ["FederationRun", "Lab", "RunLog", "RunSettings", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "FederationServiceTests",
            dependencies: [
                "FederationService", "Federation", "FederationRun", "PromptAggregation", "PromptTuning", "PromptWire",
                "RunLog", "RunSettings", "TestSupport", "ZeroMQTransport",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: swiftSettings),
        .testTarget(
            name: "LabTests",
            dependencies: [
                "Lab", "Charts", "Datasets", "Federation", "FederationRun", "PromptAggregation", "PromptTuning",
                "PromptWire", "RunLog",
                "RunSettings", "Safetensors", "TestSupport", "Text",
            ], swiftSettings: swiftSettings),
        .testTarget(
            name: "BenchmarksTests", dependencies: ["Benchmarks", "Lab", "MessageLog", "RunLog", "TestSupport"],
            swiftSettings: swiftSettings),

        .testTarget(
            name: "CommandTests",
            dependencies: [
                "impromptu", "Console", "Federation", "FederationRun", "Lab", "PromptTuning", "RunLog",
                "RunSettings", "TestSupport",
            ],
            swiftSettings: swiftSettings),

        // With sockets and processes; they have deadlines.
        .testTarget(
            name: "DashboardTests",
            dependencies: [
                "Dashboard", "Federation", "FederationRun", "PromptAggregation", "RunLog", "Text",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: swiftSettings),
        .testTarget(
            name: "ClientCheckTests",
            dependencies: ["ClientCheck", "FederationService", "RunLog", "RunSettings", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LiveTests",
            dependencies: [
                "Federation", "FederationService", "Lab", "PromptAggregation", "PromptWire", "RunLog", "RunSettings",
                "TestSupport", "Text", "ZeroMQTransport", .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: swiftSettings),

        .testTarget(
            name: "SitesTests",
            dependencies: [
                "Federation", "FederationRun", "FederationService", "Lab", "PromptAggregation", "PromptTuning",
                "PromptWire", "RunLog", "RunSettings", "TestSupport",
            ], path: "Tests/Sites", swiftSettings: swiftSettings),

        // What tests of several targets need.
        .target(
            name: "TestSupport",
            dependencies: [
                "Federation", "FederationRun", "Lab", "MessageLog", "PromptAggregation", "PromptTuning", "PromptWire",
                "RunLog", "RunSettings", "Safetensors",
            ], path: "Tests/Support", swiftSettings: swiftSettings),

        // Hostile bytes: what they are tried on, and the tests that do so without libFuzzer.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "CKernels", "CZlib", "Datasets", "FaultSimulation", "Federation", "RunLog", "RunSettings", "MessageLog",
                "PromptAggregation", "PromptWire",
                "Safetensors",
            ], path: "Tests/Fuzz/Targets", swiftSettings: swiftSettings),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets", "PromptAggregation"], path: "Tests/Fuzz/Tests",
            resources: [.copy("Seeds")], swiftSettings: swiftSettings),
    ]
)

// libFuzzer brings the program's entry and comes with its sanitizer alone (Tests/Fuzz/fuzz).
if Context.environment["IMPROMPTU_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "impromptu-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver",
            swiftSettings: swiftSettings))
}

/// What a target of this package needs of it, itself among it.
@MainActor func closure(of names: Set<String>) -> Set<String> {
    let reached = package.targets.filter { names.contains($0.name) }.flatMap(\.dependencies).reduce(into: names) {
        if case .byNameItem(let name, _) = $1 { $0.insert(name) }
    }
    return reached == names ? names : closure(of: reached)
}

// Building all with sanitizers would take as long as all of CI, so `make sanitize` builds only what it tests, which needs
// no package of others.
if let tests = Context.environment["IMPROMPTU_ONLY"] {
    let needed = closure(of: Set(tests.split(separator: ",").map(String.init)))
    package.targets.removeAll { !needed.contains($0.name) }
    package.products = []
    package.dependencies = []
}
