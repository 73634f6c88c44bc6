import FederationService
import PromptAggregation
import Testing

/// Where a client is reached.
@Suite struct RouteTests {
    private let client = ClientID("client-1")

    @Test func theConnectionsThatSpokeLastAreKeptTheNewestFirst() {
        var routes = Routes(capacity: 10)
        #expect(routes[client] == [])
        for route: Routes.Route in [[1], [2], [2], [1], [3]] { routes.note(client, at: route) }
        #expect(routes[client] == [[3], [1]])
        #expect(routes[ClientID("client-10")] == [])
    }

    @Test func aConnectionThatEndedIsForgotten() {
        var routes = Routes(capacity: 10)
        routes.note(client, at: [1])
        routes.note(client, at: [2])
        routes.forget([2], of: client)
        #expect(routes[client] == [[1]])
        routes.forget([1], of: client)
        #expect(routes[client] == [])
        routes.note(client, at: [2])
        #expect(routes[client] == [[2]])
    }

    @Test func whoIsHeardIsKeptHoweverManyNamesPass() {
        var routes = Routes(capacity: 100)
        for number in 0..<10_000 {
            if number % 50 == 0 { routes.note(client, at: [1]) }
            routes.note(ClientID("stranger-\(number)"), at: [2])
            #expect(routes[client] == [[1]])
        }
        let remembered = (0..<10_000).filter { !routes[ClientID("stranger-\($0)")].isEmpty }
        #expect((100...200).contains(remembered.count) && remembered.contains(9999))
    }

    @Test func bothConnectionsOutliveTheForgettingOfOthers() {
        var routes = Routes(capacity: 2)
        routes.note(client, at: [1])
        routes.note(client, at: [2])
        for name in ["a", "b", "c"] {
            routes.note(ClientID(name), at: [9])
            routes.note(client, at: [2])
        }
        #expect(routes[client] == [[2], [1]])
    }
}
