/** The same weights give the same files, today and in years: their SHA-256. They change only where a format is changed on purpose. */
import { assertEquals } from "@std/assert";
import {
  type Checkpoint,
  encodeAdderBoardSubmission,
  encodeCheckpoint,
  encodeOnnx,
  encodePyTorchCheckpoint,
} from "../../src/checkpoint/mod.ts";
import { sha256 } from "../../src/common/encoding.ts";

const FORMATS = {
  "safetensors": encodeCheckpoint,
  "pt": encodePyTorchCheckpoint,
  "onnx": encodeOnnx,
  "py": (checkpoint: Checkpoint) => new TextEncoder().encode(encodeAdderBoardSubmission(checkpoint)),
};

const RECORDED: Readonly<Record<string, string>> = {
  "763.safetensors": "9aaefe00ecfc6e1daee64b0dc21666363fd1e618da3ae2cf9265b14271ae70ab",
  "763.pt": "2c733d11f8d0105c66616754d8589817444ef1f506df6913ef584bd47cc7ad95",
  "763.onnx": "8b477e03de8813cd1ca92b09b778e5aa883493d8a212cf3190c48087f64fe753",
  "763.py": "6df5023bb7e7f1dc5c7764b4f44a5b1fae310c0e03772d469f5c287e548b2a69",
  "777.safetensors": "e7ac9ad130feb011ac530cb44ef48e5996ebb03e2440490b612bad41476b9fb0",
  "777.pt": "42b92907bc0bc81200bd040539e01d73ebae39510597d4942d0f00f38ca3866d",
  "777.onnx": "1ba9f5ea0c87756d3c56679442746a9b7300151d695a91c57e74603ed1acf77d",
  "777.py": "88b351000573d6a22738f499f57a5f557089287385ed01549c48d5f68a3cd740",
};

for (const model of [763, 777] as const) {
  for (const [format, encode] of Object.entries(FORMATS)) {
    Deno.test(`the bytes of a ${format} file of model ${model} are those recorded`, async () => {
      const parameters = Float32Array.from({ length: model }, (_, i) => (i - 400) / 256);
      const metadata = { seed: "1", recipe: "fast", note: "größer" };
      assertEquals(await sha256(encode({ model, parameters, metadata }).slice()), RECORDED[`${model}.${format}`]);
    });
  }
}
