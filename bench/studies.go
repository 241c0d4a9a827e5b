package main

import "slices"

// studies are in the order of the page.
var studies = slices.Concat(
	[]study{live, scaling, lookup, allocations},
	environments(),
	[]study{start, startInCrowd, peers},
	writes(),
	readers(),
	[]study{throughput, bulk, sessionMemory, listingMemory, bulkMemory},
)
