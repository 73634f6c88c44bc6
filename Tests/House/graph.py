"""Cycles of a graph of names."""


def components(edges):
    """The sets of nodes that reach each other, each of more than one node (or one that reaches itself), ascending.

    `edges`: node -> nodes.
    """
    order, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        on_stack.add(node)
        for other in sorted(edges.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on_stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            group = set()
            while node not in group:
                group.add(stack.pop())
            on_stack.difference_update(group)
            if len(group) > 1 or node in edges.get(node, ()):
                found.append(group)

    for node in sorted(edges):
        if node not in order:
            visit(node)
    return sorted(found, key=sorted)


def shortest_cycle(edges, group):
    """The nodes of a shortest cycle within a component, from its smallest node on, the first again at the end."""
    best = None
    for start in sorted(group):
        came_from, queue = {start: None}, [start]
        for node in queue:
            if start in edges.get(node, ()):
                path = [start]
                while node is not None:
                    path.append(node)
                    node = came_from[node]
                path.reverse()
                if best is None or len(path) < len(best):
                    best = path
                break
            for other in sorted(edges.get(node, ())):
                if other in group and other not in came_from:
                    came_from[other] = node
                    queue.append(other)
    return best


def cycles(weights):
    """Cycles that have to be cut, and of each the edge that is cut most easily, until none is left.

    `weights`: (from, to) -> how much ties the two. Gives (nodes of the cycle, its lightest edge).
    """
    left = dict(weights)
    while True:
        edges = {}
        for start, end in left:
            edges.setdefault(start, set()).add(end)
        groups = components(edges)
        if not groups:
            return
        cycle = shortest_cycle(edges, groups[0])
        lightest = min(zip(cycle, cycle[1:]), key=lambda edge: (left[edge], edge))
        yield cycle, lightest
        del left[lightest]
