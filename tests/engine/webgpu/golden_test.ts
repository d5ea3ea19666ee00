/** The WebGPU engine against PyTorch, on every golden set. */
import { testOnGoldenSets } from "../golden_suite.ts";
import { GPU_OPTIONS, WEBGPU } from "./gpu.ts";

testOnGoldenSets(WEBGPU, GPU_OPTIONS);
