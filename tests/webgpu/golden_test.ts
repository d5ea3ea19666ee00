/** The WebGPU engine against PyTorch, on every golden set. */
import { testOnGoldenSets } from "../engine/golden_suite.ts";
import { GPU_OPTIONS, WEBGPU } from "./gpu.ts";

testOnGoldenSets(WEBGPU, GPU_OPTIONS);
