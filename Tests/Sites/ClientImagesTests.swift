import FederationRun
import Foundation
import PromptAggregation
import PromptTuning
import RunSettings
import TestSupport
import Testing

/// What a worker makes of the images that its clients bring.
@Suite struct ClientImagesTests {
    private func configuration(_ folder: SiteFolders, _ assignments: [String]) throws -> RunConfiguration {
        try folder.write("classes.txt", SiteFolders.classes.joined(separator: "\n") + "\n")
        return try RunConfiguration.load(
            files: [], environment: [:],
            assignments: ["model.classes=\(folder.path)/classes.txt", "encoder.image_size=16"] + assignments)
    }

    private func images(_ configuration: RunConfiguration) throws -> [ClientImages] {
        try ClientImages.own(of: configuration, encoder: configuration.loadEncoder())
    }

    @Test func allImagesAreTheClientsAndAShareIsHeldOut() throws {
        try withTemporaryFolder { path in
            let folder = SiteFolders(path: path)
            try folder.make("north", ["glioma": 10, "pituitary": 5])
            try folder.make("south", ["meningioma": 4, "no tumor": 1])
            let clients = try images(
                configuration(folder, ["worker.clients.s=\(path)/south", "worker.clients.n=\(path)/north"]))
            #expect(clients.map(\.client.name) == ["n", "s"])
            // A fifth of each class, rounded: 2 of 10, 1 of 5, 1 of 4, none of 1.
            #expect(clients.map(\.training.count) == [12, 4])
            #expect(clients.map { $0.heldOut?.labels } == [[0, 0, 3], [1]])
            #expect(clients[1].training.labels == [1, 1, 1, 2])
            #expect(
                clients[0].found?.description
                    == "15 images, 3 of them held out; 2 of 4 classes, none of meningioma, no tumor")
        }
    }

    @Test func theShareThatIsHeldOutIsStatedAndMarksStandAboveIt() throws {
        try withTemporaryFolder { path in
            let folder = SiteFolders(path: path)
            try folder.make("plain", ["glioma": 4])
            try folder.make("marked/train", ["glioma": 4])
            try folder.make("marked/test", ["glioma": 3])
            for (share, plain) in [("0", 0), ("0.5", 2), ("0.9", 3)] {
                let clients = try images(
                    configuration(
                        folder,
                        [
                            "data.held_out=\(share)", "worker.clients.a=\(path)/marked",
                            "worker.clients.b=\(path)/plain",
                        ]))
                #expect(clients.map { $0.heldOut?.count ?? 0 } == [3, plain])
                #expect(clients.map(\.training.count) == [4, 4 - plain])
            }
        }
    }

    @Test func whatIsLeftOutIsCountedAndNamed() throws {
        try withTemporaryFolder { path in
            let folder = SiteFolders(path: path)
            try folder.make("north", ["glioma": 5, "glioma/thumbnails": 2])
            try folder.write("north/glioma/broken.png", "no image")
            let settings = ["worker.clients.n=\(path)/north"]
            #expect {
                try images(configuration(folder, settings))
            } throws: {
                "\($0)".contains("north/glioma/broken.png")
            }
            let found = try #require(
                try images(configuration(folder, settings + ["data.unreadable=skip"])).first?.found)
            #expect(found.images == 5)
            #expect(found.omitted.count == 2)
            #expect(found.omitted[0].hasPrefix("1 left out, images that cannot be read: "))
            #expect(found.omitted[1] == "2 left out, images in folders within a class's folder: glioma/thumbnails (2)")
        }
    }

    @Test func aClassThatTheFederationLacksIsRefusedWithTheNearest() throws {
        try withTemporaryFolder { path in
            let folder = SiteFolders(path: path)
            try folder.make("north", ["glioma": 2, "pituitarry": 1])
            #expect {
                try images(configuration(folder, ["worker.clients.n=\(path)/north"]))
            } throws: {
                "\($0)".contains(
                    "north: expected classes of the federation, glioma, meningioma, no tumor, pituitary, found 'pituitarry'"
                )
            }
        }
    }
}
