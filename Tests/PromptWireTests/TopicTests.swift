import Federation
import PromptAggregation
import PromptWire
import Testing

@Suite struct TopicTests {
    @Test func aClientsTopicIsNoStartOfAnothers() {
        let names = ["client-1", "client-10", "client-1.", "client", "c"]
        for one in names {
            for other in names where other != one {
                #expect(!Topic.client(ClientID(other)).bytes.starts(with: Topic.client(ClientID(one)).bytes))
            }
            #expect(!Topic.client(ClientID(one)).bytes.starts(with: Topic.all.bytes))
        }
    }

    @Test func topicsComeBackAsTheyWere() throws {
        for topic in [Topic.all, .client(ClientID("client-1")), .client(ClientID("a"))] {
            #expect(try Topic(bytes: topic.bytes) == topic)
        }
    }

    @Test(arguments: [
        ("", "topic: expected 'g' or 'c/<client>/', found ''"),
        ("gg", "topic: expected 'g' or 'c/<client>/', found 'gg'"),
        ("c//", "topic: expected 'g' or 'c/<client>/', found 'c//'"),
        ("c/a", "topic: expected 'g' or 'c/<client>/', found 'c/a'"),
        ("c/a/b/", "topic: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found '/' at byte 1"),
    ])
    func anotherTopicIsRefused(_ name: String, _ sentence: String) {
        #expect { try Topic(bytes: name.utf8) } throws: { "\($0)" == sentence }
    }
}
