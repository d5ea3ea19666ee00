/** Every engine that needs no GPU against PyTorch, on every golden set. */
import { ENGINES } from "./engines.ts";
import { testOnGoldenSets } from "./golden_suite.ts";

for (const underTest of ENGINES) testOnGoldenSets(underTest);
