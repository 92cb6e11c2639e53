//! Louvain's method on integer weights: communities of a weighted graph, the same for the same graph.
//!
//! In: undirected edges with integer weights, nodes in an order that the caller fixes. Out: the community of each
//! node. Gains are compared as integers, nodes are visited in ascending order, and of equal gains the lowest
//! community wins, so nothing depends on threads or rounding. Source: Blondel et al., *Fast unfolding of
//! communities in large networks*, 2008.

/// An undirected edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// One end.
    pub one: u32,
    /// The other.
    pub other: u32,
    /// Its weight.
    pub weight: u64,
}

/// Rounds of moves on one level; more change next to nothing.
const MOST_ROUNDS: usize = 32;
/// Levels of aggregation.
const MOST_LEVELS: usize = 16;

/// Gives the community of each node, numbered by their first node.
///
/// `resolution` is in sixteenths: 16 is plain modularity, more gives smaller communities. `total` is twice the weight
/// of all edges, where these are not all: the communities of whole components are then those of the whole graph,
/// because nothing else of other components enters a gain.
pub fn louvain(nodes: usize, edges: &[Edge], resolution: u64, total: Option<u64>) -> Vec<u32> {
    let mut community: Vec<u32> = (0..nodes as u32).collect();
    let mut graph = Rows::new(nodes, edges);
    graph.total = total.unwrap_or(graph.total);
    for _ in 0..MOST_LEVELS {
        let (moved, local) = graph.move_nodes(resolution);
        if !moved {
            break;
        }
        let (count, local) = renumber(&local);
        for place in &mut community {
            *place = local[*place as usize];
        }
        graph = graph.merged(count, &local);
    }
    renumber(&community).1
}

/// Numbers communities by their first node.
fn renumber(community: &[u32]) -> (usize, Vec<u32>) {
    let mut numbers = vec![u32::MAX; community.len()];
    let mut count = 0;
    let renumbered = community.iter().map(|&place| {
        let number = &mut numbers[place as usize];
        if *number == u32::MAX {
            *number = count;
            count += 1;
        }
        *number
    });
    let renumbered = renumbered.collect();
    (count as usize, renumbered)
}

/// A graph in compressed rows; a loop stands apart.
struct Rows {
    starts: Vec<usize>,
    ends: Vec<(u32, u64)>,
    loops: Vec<u64>,
    /// The weight of each node's edges, loops twice.
    strength: Vec<u64>,
    /// Twice the weight of all edges.
    total: u64,
}

impl Rows {
    fn new(nodes: usize, edges: &[Edge]) -> Self {
        let mut starts = vec![0; nodes + 1];
        let mut loops = vec![0; nodes];
        for edge in edges {
            if edge.one == edge.other {
                loops[edge.one as usize] += edge.weight;
            } else {
                starts[edge.one as usize + 1] += 1;
                starts[edge.other as usize + 1] += 1;
            }
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut ends = vec![(0, 0); starts[nodes]];
        for edge in edges.iter().filter(|edge| edge.one != edge.other) {
            for (from, to) in [(edge.one, edge.other), (edge.other, edge.one)] {
                ends[next[from as usize]] = (to, edge.weight);
                next[from as usize] += 1;
            }
        }
        let strength: Vec<u64> = (0..nodes)
            .map(|node| {
                2 * loops[node]
                    + ends[starts[node]..starts[node + 1]].iter().map(|&(_, weight)| weight).sum::<u64>()
            })
            .collect();
        let total = strength.iter().sum();
        Self { starts, ends, loops, strength, total }
    }

    fn nodes(&self) -> usize {
        self.loops.len()
    }

    fn edges_of(&self, node: usize) -> &[(u32, u64)] {
        &self.ends[self.starts[node]..self.starts[node + 1]]
    }

    /// Moves nodes to the community of most gain until none gains; says whether any moved.
    fn move_nodes(&self, resolution: u64) -> (bool, Vec<u32>) {
        let nodes = self.nodes();
        let mut community: Vec<u32> = (0..nodes as u32).collect();
        let mut totals = self.strength.clone();
        let mut towards = vec![0_u64; nodes];
        let mut seen: Vec<u32> = Vec::new();
        let mut any = false;
        for _ in 0..MOST_ROUNDS {
            let mut moved = false;
            for node in 0..nodes {
                let old = community[node];
                totals[old as usize] -= self.strength[node];
                for &(other, weight) in self.edges_of(node) {
                    let place = community[other as usize];
                    if towards[place as usize] == 0 {
                        seen.push(place);
                    }
                    towards[place as usize] += weight;
                }
                let gain = |place: u32, towards: &[u64]| {
                    let expected = u128::from(self.strength[node]) * u128::from(totals[place as usize]);
                    let found = u128::from(towards[place as usize]) * u128::from(self.total) * 16;
                    found.cast_signed() - (expected * u128::from(resolution)).cast_signed()
                };
                let mut best = (gain(old, &towards), old);
                seen.sort_unstable();
                for &place in &seen {
                    let found = gain(place, &towards);
                    if found > best.0 {
                        best = (found, place);
                    }
                }
                seen.drain(..).for_each(|place| towards[place as usize] = 0);
                totals[best.1 as usize] += self.strength[node];
                moved |= best.1 != old;
                community[node] = best.1;
            }
            any |= moved;
            if !moved {
                break;
            }
        }
        (any, community)
    }

    /// The graph of communities.
    fn merged(&self, count: usize, community: &[u32]) -> Self {
        let mut edges = Vec::new();
        for node in 0..self.nodes() {
            let one = community[node];
            edges.push(Edge { one, other: one, weight: self.loops[node] });
            let later = self.edges_of(node).iter().filter(|&&(other, _)| other as usize > node);
            edges.extend(later.map(|&(other, weight)| {
                let other = community[other as usize];
                Edge { one: one.min(other), other: one.max(other), weight }
            }));
        }
        edges.sort_unstable_by_key(|edge| (edge.one, edge.other));
        let sums: Vec<Edge> = edges
            .chunk_by(|a, b| (a.one, a.other) == (b.one, b.other))
            .map(|run| Edge { weight: run.iter().map(|edge| edge.weight).sum(), ..run[0] })
            .collect();
        Self { total: self.total, ..Self::new(count, &sums) }
    }
}
