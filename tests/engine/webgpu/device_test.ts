/** No adapter, no device, a device that is lost, shaders that do not compile: one clear error, and nothing goes on elsewhere. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createEngine, EngineError } from "../../../src/engine/mod.ts";
import { type Gpu, openGpu } from "../../../src/engine/webgpu/device.ts";
import { createWebgpuEngine } from "../../../src/engine/webgpu/engine.ts";
import { compileProgram } from "../../../src/engine/webgpu/program.ts";
import { shaderOf } from "../../../src/engine/webgpu/shaders/mod.ts";
import { variantOf } from "../../../src/model/variant.ts";
import { mixedProblems } from "../lively.ts";
import { testOnGpu } from "./gpu.ts";

const VARIANT = variantOf(763);

Deno.test("where there is no adapter the error says what to install", async () => {
  const none: Pick<GPU, "requestAdapter"> = { requestAdapter: () => Promise.resolve(null) };
  const error = await assertRejects(() => openGpu(none), Error, "there must be a GPU adapter: there is none");
  assert(error.message.startsWith("Cannot create an engine on webgpu as "), error.message);
  for (const remedy of ["mesa-vulkan-drivers", "XDG_RUNTIME_DIR", "DENO_WEBGPU_BACKEND", "the backend wasm"]) {
    assert(error.message.includes(remedy), error.message);
  }
});

Deno.test("where the runtime has no WebGPU the error says so", async () => {
  const real = Object.getOwnPropertyDescriptor(globalThis, "navigator")!;
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  try {
    await assertRejects(() => openGpu(), Error, "the runtime must have WebGPU: it has none");
  } finally {
    Object.defineProperty(globalThis, "navigator", real);
  }
});

Deno.test("an adapter that gives no device is an error with its own words", async () => {
  const adapter = {
    info: { description: "a broken GPU", vendor: "", architecture: "", device: "" },
    limits: { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 },
    requestDevice: () => Promise.reject(new Error("out of luck")),
  };
  const source = { requestAdapter: () => Promise.resolve(adapter) } as unknown as Pick<GPU, "requestAdapter">;
  const expected = "as the adapter a broken GPU must give a device: it says out of luck";
  await assertRejects(() => openGpu(source), EngineError, expected);
});

testOnGpu("a device that is lost ends all that it was asked, and a new engine gets a new one", async () => {
  const gpu = await openGpu();
  const engine = await createWebgpuEngine(VARIANT, gpu);
  const { loss } = await engine.lossAndGradient(mixedProblems(4));
  const parameters = engine.parameters();
  gpu.device.destroy();
  const message = "Cannot go on as the GPU must stay there: ";
  await assertRejects(() => engine.lossAndGradient(mixedProblems(4)), EngineError, message);
  await assertRejects(() => engine.trainStep(mixedProblems(4), { learningRate: 0.1 }), EngineError, message);
  assertEquals(engine.parameters(), parameters); // what the host knows is not lost
  await engine.dispose();

  const next = await createEngine({ backend: "webgpu" });
  assertEquals((await next.lossAndGradient(mixedProblems(4))).loss, loss);
  await next.dispose();
});

/** A device for a test, which it destroys afterwards. */
async function withGpu(use: (gpu: Gpu) => Promise<void>): Promise<void> {
  const gpu = await openGpu();
  try {
    await use(gpu);
  } finally {
    gpu.device.destroy();
  }
}

testOnGpu("a shader that does not compile is an error with the compiler's words", () =>
  withGpu(async (gpu) => {
    const broken = shaderOf(VARIANT).replace("fn linear7(", "fn linear7(nothing: Nothing, ");
    await assertRejects(
      () => compileProgram(gpu, VARIANT, broken),
      EngineError,
      "Cannot compile the shaders as the GPU must accept it",
    );
  }));

testOnGpu("a shader that asks for too much is an error, not a silence", () =>
  withGpu(async (gpu) => {
    const greedy = shaderOf(VARIANT).replace("@workgroup_size(THREADS)", "@workgroup_size(4096)");
    const program = await compileProgram(gpu, VARIANT, greedy);
    await assertRejects(
      () => program.pipeline("train"),
      EngineError,
      "Cannot compile the shader train as the GPU must accept it",
    );
  }));
