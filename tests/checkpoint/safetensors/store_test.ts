import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  readCheckpointFile,
} from "../../../src/checkpoint/safetensors/checkpoint.ts";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import { openRunDirectory, runDirectory, writeFileAtomically } from "../../../src/checkpoint/safetensors/store.ts";

const BYTES = encodeCheckpoint({ model: 763, parameters: new Float32Array(763).fill(0.5), metadata: { seed: "7" } });

/** A test with a folder of its own. */
function testInFolder(name: string, body: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await body(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

testInFolder(
  "writeFileAtomically() writes a new file and replaces an old one, leaving nothing else",
  async (folder) => {
    const path = `${folder}/model.safetensors`;
    await writeFileAtomically(path, BYTES);
    assertEquals(await Deno.readFile(path), new Uint8Array(BYTES));
    await writeFileAtomically(path, Uint8Array.of(1));
    assertEquals(await Deno.readFile(path), Uint8Array.of(1));
    assertEquals(await namesIn(folder), ["model.safetensors"]);
  },
);

testInFolder("writeFileAtomically() leaves nothing behind where it fails", async (folder) => {
  await Deno.mkdir(`${folder}/taken/full`, { recursive: true });
  const error = await assertRejects(() => writeFileAtomically(`${folder}/taken`, BYTES), CheckpointError);
  assertMatch(error.message, /^Cannot write .*taken as it must be a file in a folder that can be written to: /);
  assertEquals(await namesIn(folder), ["taken"]);
  await assertRejects(
    () => writeFileAtomically(`${folder}/none/a`, BYTES),
    CheckpointError,
    "there is no such file or folder",
  );
});

testInFolder("writeFileAtomically() shows a reader the old bytes or the new ones, never a part", async (folder) => {
  const path = `${folder}/file`;
  const [old, next] = [new Uint8Array(100_000).fill(1), new Uint8Array(200_000).fill(2)];
  await writeFileAtomically(path, old);
  let writing = true;
  const write = (async () => {
    for (let i = 0; i < 20; i++) await writeFileAtomically(path, i % 2 ? old : next);
    writing = false;
  })();
  while (writing) {
    const bytes = await Deno.readFile(path);
    assertEquals(bytes.length, bytes[0] * 100_000);
    assertEquals(bytes.at(-1), bytes[0]);
  }
  await write;
});

testInFolder("readCheckpointFile() reads a file, and the model of a run directory", async (folder) => {
  const { modelFile } = await openRunDirectory(`${folder}/some/run`);
  await writeFileAtomically(modelFile, BYTES);
  const expected = decodeCheckpoint(BYTES);
  for (const path of [modelFile, `${folder}/some/run`, `${folder}/some/run/`]) {
    assertEquals(await readCheckpointFile(path, { model: 763 }), expected);
  }
  await assertRejects(
    () => readCheckpointFile(`${folder}/some/run`, { model: 777 }),
    CheckpointError,
    `Cannot read ${folder}/some/run/model.safetensors as it must hold model 777: current value is model 763`,
  );
});

testInFolder("readCheckpointFile() says what is wrong with a path", async (folder) => {
  await Deno.writeTextFile(`${folder}/text`, "no checkpoint at all");
  await Deno.mkdir(`${folder}/odd/model.safetensors`, { recursive: true });
  using large = await Deno.open(`${folder}/large`, { write: true, create: true });
  await large.truncate(2 ** 30);
  using limit = await Deno.open(`${folder}/limit`, { write: true, create: true });
  await limit.truncate(2 ** 24);
  const cases = [
    [`${folder}/none`, `Cannot read ${folder}/none: there is no such file`],
    [folder, `Cannot read ${folder}/model.safetensors: there is no such file`],
    [`${folder}/odd`, `Cannot read ${folder}/odd/model.safetensors as it must be a checkpoint file: it is a directory`],
    [
      `${folder}/text/none`,
      `Cannot read ${folder}/text/none as it must be a checkpoint file: a part of the path is a file`,
    ],
    [
      `${folder}/large`,
      `Cannot read ${folder}/large as a checkpoint file has at most 16777216 bytes: the file holds 1073741824`,
    ],
    // as large as may be: it is read, and found to be something else
    [`${folder}/limit`, `Cannot read ${folder}/limit as its header must be JSON in UTF-8: `],
    [
      `${folder}/text`,
      `Cannot read ${folder}/text as it must be a safetensors file: it is a text that begins with "no checkpoint`,
    ],
  ];
  for (const [path, message] of cases) await assertRejects(() => readCheckpointFile(path), CheckpointError, message);
});

testInFolder("openRunDirectory() makes folders, accepts one that is there, and leaves them empty", async (folder) => {
  const run = await openRunDirectory(`${folder}/a/b`);
  assertEquals(await openRunDirectory(`${folder}/a/b`), run);
  assertEquals(await namesIn(run.path), []);
});

testInFolder("openRunDirectory() refuses a file, and a folder below one", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "");
  const start = `Cannot write to ${folder}/file`;
  await assertRejects(
    () => openRunDirectory(`${folder}/file`),
    CheckpointError,
    `${start} as it must be a directory that can be written to: there is a file`,
  );
  await assertRejects(() => openRunDirectory(`${folder}/file/run`), CheckpointError, "a part of the path is a file");
  await assertRejects(() => openRunDirectory(""), CheckpointError, "its path must name one: it is empty");
});

Deno.test("runDirectory() names the files, with or without a slash at the end", () => {
  assertEquals(runDirectory("").logFile, "log.jsonl");
  const files = {
    modelFile: "run/model.safetensors",
    stateFile: "run/state.safetensors",
    logFile: "run/log.jsonl",
    certificateFile: "run/certificate.json",
    stepsFolder: "run/steps",
  };
  assertEquals(runDirectory("run"), { path: "run", ...files });
  assertEquals(runDirectory("run/"), { path: "run/", ...files });
});

Deno.test({
  name: "readCheckpointFile() and its kin say what to allow where Deno does not let them",
  permissions: { read: false, write: false },
  async fn() {
    const read = await assertRejects(() => readCheckpointFile("run"), CheckpointError);
    assertStringIncludes(read.message, "Cannot read run as it must be a checkpoint file: Requires read access");
    assertStringIncludes(read.message, "--allow-read");
    const write = await assertRejects(() => writeFileAtomically("run/a", BYTES), CheckpointError);
    assertStringIncludes(write.message, "--allow-write");
    const open = await assertRejects(() => openRunDirectory("run"), CheckpointError);
    assertStringIncludes(open.message, "--allow-write");
  },
});
