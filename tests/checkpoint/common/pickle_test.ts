import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import { pickle as pickleOf } from "../../../src/checkpoint/common/pickle_writer.ts";
import {
  PERSISTENT,
  type PickleCall,
  PickleDict,
  PickleObject,
  type PickleValue,
  readPickle,
} from "../../../src/checkpoint/common/pickle_reader.ts";
import { outputOf, testIn } from "../../runtimes/program.ts";

const CALLS: Readonly<Record<string, PickleCall>> = {
  "collections OrderedDict": () => new PickleDict(),
  "torch FloatStorage": (_, fail) => fail("it calls torch FloatStorage"),
  [PERSISTENT]: ([id]) => [id],
};

const read = (bytes: Uint8Array) => readPickle(bytes, CALLS, "read it");

/** Bytes of a pickle by Python's escapes: text, with \\x.. for other bytes. */
function pickle(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Plain objects of what the reader gives. */
function plain(value: PickleValue): unknown {
  if (value instanceof PickleDict) return new Map([...value.entries].map(([key, item]) => [key, plain(item)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

testIn("python", "readPickle() reads what Python wrote, in every protocol from 2 on", async () => {
  const value =
    "{'int': [0, 255, 256, 65536, -1, 2**31, -2**40, 2**70], 'float': 0.1, 'text': 'zwölf', 'none': None, " +
    "'bool': (True, False), 'nested': {'a': ((1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ())}, 3: 'x' * 300}";
  const script = `import pickle; print([pickle.dumps(${value}, p).hex() for p in range(2, 6)])`;
  const hexes: string[] = JSON.parse((await outputOf("python", ["-c", script])).replaceAll("'", '"'));
  assertEquals(hexes.length, 4);
  for (const hex of hexes) {
    const bytes = Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));
    assertEquals(
      plain(read(bytes)),
      new Map<unknown, unknown>([
        ["int", [0, 255, 256, 65536, -1, 2 ** 31, -(2 ** 40), 2n ** 70n]],
        ["float", 0.1],
        ["text", "zwölf"],
        ["none", null],
        ["bool", [true, false]],
        ["nested", new Map([["a", [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], []]]])],
        [3, "x".repeat(300)],
      ]),
    );
  }
});

Deno.test("readPickle() reads long numbers of any length, which Python writes where shorter forms do not suffice", () => {
  const longs = ["\x00", "\x01\xff", "\x01\x7f", "\x02\xff\x00", "\x02\x00\x80"];
  assertEquals(longs.map((long) => read(pickle(`\x80\x02\x8a${long}.`))), [0, -1, 127, 255, -32768]);
});

Deno.test("readPickle() reads the numbers that the writer wrote", () => {
  const numbers = [0, 1, 255, 256, 65_535, 65_536, 0x123456, 0x7f654321];
  assertEquals(read(pickleOf(numbers)), numbers);
});

Deno.test("readPickle() remembers values by numbers of one byte and of four", () => {
  const [a, b] = ["X\x01\x00\x00\x00aq\x07", "X\x01\x00\x00\x00br\x07\x01\x00\x00"];
  assertEquals(read(pickle(`\x80\x02(${a}${b}h\x07j\x07\x01\x00\x00t.`)), ["a", "b", "a", "b"]);
});

Deno.test("readPickle() keeps the attributes of a dict", () => {
  const dict = read(pickle("\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x05sb."));
  assertInstanceOf(dict, PickleDict);
  assertEquals([dict.entries.size, dict.attributes!.entries.get("a")], [0, 5]);
});

/** Pickles that ask for something, and what is said about them. */
const REFUSED: [what: string, bytes: string, message: string][] = [
  ["runs a command", "cos\nsystem\n(X\x02\x00\x00\x00lst R.", 'at byte 0 it names "os system", which is neither'],
  ["runs a command, protocol 4", "\x80\x04\x8c\x02os\x8c\x06system\x93.", 'at byte 14 it names "os system"'],
  ["names by a number, protocol 4", "\x80\x04\x8c\x02osK\x01\x93.", "at byte 8 a name is not text"],
  ["names of a number, protocol 4", "\x80\x04K\x01\x8c\x02os\x93.", "at byte 8 a name is not text"],
  ["calls what is no function", "ctorch\nFloatStorage\n)R.", "at byte 21 it calls torch FloatStorage"],
  ["calls a number", "K\x01)R.", "at byte 3 a call has no function"],
  ["makes an instance", "(cos\nsystem\no.", 'it names "os system"'],
  ["makes an instance by name", "(ios\nsystem\n.", "at byte 1 opcode 0x69 is not one of data"],
  ["asks for an extension", "\x82\x01.", "opcode 0x82 is not one of data"],
  ["is empty", "", "at byte 0 it is cut off"],
  ["ends before its end", "\x80\x02}", "at byte 3 it is cut off"],
  ["ends in a text", "X\xff\x00\x00\x00abc", "at byte 0 it is cut off"],
  ["announces a text of 4 GB", "X\xff\xff\xff\xffabc", "at byte 0 it is cut off"],
  ["ends in a name", "cos", "at byte 0 it is cut off"],
  ["has nothing to give", ".", "at byte 0 a value is missing"],
  ["gives two values", "NN.", "at byte 2 more than one value is left"],
  ["ends a tuple that it did not begin", "t.", "at byte 0 a mark is missing"],
  ["takes what is below a mark", "N(\x85.", "at byte 2 a value is missing"],
  ["recalls what it never stored", "h\x07.", "at byte 0 value 7 was never stored"],
  ["stores nothing", "q\x00.", "at byte 0 a value is missing"],
  ["puts items into a number", "K\x01(NNu.", "at byte 5 a dict is missing"],
  ["appends to a number", "K\x01Na.", "at byte 3 a list is missing"],
  ["has a key without a value", "}(K\x01u.", "a key has no value"],
  ["has a key twice", "}(K\x01NK\x01Nu.", "key 1 stands twice in one dict"],
  ["sets attributes of a list", "]}b.", "something else than an object has attributes"],
  ["names by a list", "]]\x93.", "a name is not text"],
];

for (const [what, bytes, message] of REFUSED) {
  Deno.test(`readPickle() refuses a pickle that ${what}`, () => {
    assertThrows(() => read(pickle(bytes)), CheckpointError, message);
  });
}

Deno.test("readPickle() refuses a pickle that is too long, and nests as deep as one may be", () => {
  assertThrows(() => read(new Uint8Array(2 ** 24 + 1)), CheckpointError, "must have at most 16777216 bytes");
  const many = pickle("]".repeat(2 ** 19 + 1));
  assertThrows(() => read(many), CheckpointError, "at byte 524288 it has more than 524288 values");
  for (const repeated of ["(", "]q\x00", "\x94"]) { // marks, and values that are stored
    assertThrows(() => read(pickle(`]${repeated.repeat(2 ** 19)}`)), CheckpointError, "more than 524288 values");
  }
  const deep = pickle(`)${"\x85".repeat(65_000)}\x93.`); // tuples in a tuple, and their outermost as a name
  assertThrows(() => read(deep), CheckpointError, "a value is missing");
  const nested = pickle(`)${"\x85".repeat(65_534)}.`); // as long as may be
  assertEquals(Array.isArray(read(nested)), true);
});

Deno.test("readPickle() may be given a dict that holds itself", () => {
  const dict = read(pickle("}q\x00X\x01\x00\x00\x00ah\x00s."));
  assertInstanceOf(dict, PickleDict);
  assertEquals(dict.entries.get("a") === dict, true);
});

Deno.test("what is not known becomes a placeholder with its parts, and nothing is called", () => {
  const made: [what: string, bytes: string, name: string, parts: PickleValue[]][] = [
    ["a call", "cpathlib\nPosixPath\n(X\x01\x00\x00\x00atR.", "pathlib PosixPath", ["a"]],
    ["what every object has by nature", "cconstructor\n\n)R.", "constructor ", []],
    ["an object with state", "cargparse\nNamespace\n)\x81}X\x01\x00\x00\x00aK\x05sb.", "argparse Namespace", [
      new PickleDict(new Map([["a", 5]])),
    ]],
    ["an object with keyword arguments", "cm\nC\n)}\x92.", "m C", [[], new PickleDict()]],
    ["a list of a class of its own", "ccollections\ndeque\n)R(K\x01K\x02e.", "collections deque", [1, 2]],
  ];
  for (const [what, bytes, name, parts] of made) {
    const value = read(pickle(bytes));
    assertInstanceOf(value, PickleObject, what);
    assertEquals([value.name, value.parts], [name, parts], what);
  }
  const log = read(pickle("ccollections\ndefaultdict\nc__builtin__\ndict\n\x85RK\x00K\x01s."));
  assertInstanceOf(log, PickleObject);
  assertEquals([...log.entries], [[0, 1]]);
});

Deno.test("readPickle() reads sets, bytes and keys of any kind", () => {
  assertEquals(read(pickle("\x80\x04\x8f(K\x01K\x02\x90.")), [1, 2]);
  assertEquals(read(pickle("(K\x01K\x02\x91.")), [1, 2]);
  assertEquals(read(pickle("C\x02\x01\xff.")), Uint8Array.of(1, 255));
  const dict = read(pickle("}(K\x01\x85NK\x01\x85Nu."));
  assertInstanceOf(dict, PickleDict);
  assertEquals([...dict.entries], [[[1], null], [[1], null]]); // two tuples: none is looked up
});

Deno.test("readPickle() refuses what could do harm, whichever way it is named", () => {
  for (const name of ["posix system", "builtins eval", "subprocess Popen", "os.path join", "__builtin__ execfile"]) {
    const [module, member] = name.split(" ");
    assertThrows(() => read(pickle(`c${module}\n${member}\n.`)), CheckpointError, `it names "${name}"`);
  }
});
