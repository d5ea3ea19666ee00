/**
 * ZIP files: stored without compression, as `torch.save` writes them since version 1.6, or deflated, as `numpy.savez_compressed` does.
 * PKWARE APPNOTE 6.3.10; no ZIP64, which files above 4 GiB alone need.
 *
 * ```
 * local header, name, extra, bytes      … one after the other
 * directory: one record an entry        offset, size, checksum, name
 * end of directory                      22 bytes, and perhaps a comment
 * ```
 *
 * Every claim of the directory is compared with the file before it is used. Stored entries are views of the file, not copies.
 */
import { formatJson } from "../../common/format_value.ts";
import { concatenate, pack, viewOf } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { refuse } from "./error.ts";

/** The bytes of each entry by its name, in the order of the directory. */
export type ZipEntries = ReadonlyMap<string, Uint8Array>;

const LOCAL = { signature: 0x04034b50, bytes: 30 };
const RECORD = { signature: 0x02014b50, bytes: 46 };
const END = { signature: 0x06054b50, bytes: 22 };
const MAX_COMMENT_BYTES = 2 ** 16 - 1;

const [STORED, DEFLATED] = [0, 8];
/** Deflated entries have at most twice as many bytes as the file, or this many: a bomb is refused before it is unpacked. */
const LEAST_ROOM = 2 ** 16;

/** The names of the files in it; none where the directory cannot be read. */
export function zipNames(bytes: Uint8Array): string[] {
  try {
    return entriesOf(bytes, "").map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Every file that is a ZIP file with an entry begins with these bytes. */
export function looksLikeZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === LOCAL.signature;
}

/** An entry as the directory describes it: its method, its bytes in the file, and its number of bytes once unpacked. */
type Entry = ReturnType<typeof entriesOf>[number];

/** Reads a ZIP file. @throws {CheckpointError} If it is none, or an entry is compressed, elsewhere than the directory says, or has another checksum */
export function readZip(bytes: Uint8Array, asked: string): ZipEntries {
  return new Map(entriesOf(bytes, asked, [STORED]).map((entry) => checked(entry, entry.packed, asked)));
}

/** Reads a ZIP file, and unpacks what is deflated. @throws {CheckpointError} Also if an entry is packed otherwise, wrongly, or grows too large */
export async function unpackZip(bytes: Uint8Array, asked: string): Promise<ZipEntries> {
  const unpacked = new Map<string, Uint8Array>();
  const most = Math.max(LEAST_ROOM, 2 * bytes.length);
  let total = 0;
  for (const entry of entriesOf(bytes, asked, [STORED, DEFLATED])) {
    const isDeflated = entry.method === DEFLATED;
    if (isDeflated) total += entry.size;
    if (total > most) {
      refuse(asked, `its entries must unpack to at most ${most} bytes: current size is ${total} or more`);
    }
    unpacked.set(...checked(entry, isDeflated ? await inflate(entry, asked) : entry.packed, asked));
  }
  return unpacked;
}

function checked({ name, label, checksum }: Entry, content: Uint8Array, asked: string): [string, Uint8Array] {
  if (crc32(content) === checksum) return [name, content];
  return refuse(asked, `${label} must have the checksum in its directory: it has another`);
}

/** Unpacks an entry, and not one byte more than the directory says. */
async function inflate({ label, packed, size }: Entry, asked: string): Promise<Uint8Array> {
  const content = new Uint8Array(size);
  let at = 0;
  const write = (part: Uint8Array) => {
    content.set(part, at); // throws a RangeError where there is more
    at += part.length;
  };
  const must = `${label} must unpack to ${size} bytes`;
  const fail = (cause: unknown) => refuse(asked, `${must}: it cannot be unpacked`, cause);
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream();
  const unpacked = stream.pipeThrough(new DecompressionStream("deflate-raw"));
  await unpacked.pipeTo(new WritableStream({ write })).catch(fail);
  return at === size ? content : refuse(asked, `${must}: it unpacks to ${at}`);
}

/** Where the end of the directory begins; a comment may follow it. */
function endOf(view: DataView): number | undefined {
  const last = view.byteLength - END.bytes;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    if (view.getUint32(at, true) === END.signature && at + view.getUint16(at + 20, true) === last) return at;
  }
  return undefined;
}

/** The entries but for folders, all within the file and none of them twice. @param methods Those that they may be packed by */
function entriesOf(bytes: Uint8Array, asked: string, methods?: readonly number[]) {
  const fail = (reason: string) => refuse(asked, reason);
  const view = viewOf(bytes);
  const end = endOf(view) ??
    fail(`a ZIP file must end with its directory: the file, of ${bytes.length} bytes, may be cut off`);
  const count = view.getUint16(end + 10, true);
  const directory = view.getUint32(end + 16, true);
  const directoryEnd = directory + view.getUint32(end + 12, true);
  if (directoryEnd > end) fail(`its ZIP directory must end before byte ${end}: it ends at byte ${directoryEnd}`);

  const names = new Set<string>();
  let room = directory; // entries that overlap would make us read the same bytes again and again
  let next = directory;
  const entries = Array.from({ length: count }, () => {
    const at = next;
    if (at + RECORD.bytes > directoryEnd || view.getUint32(at, true) !== RECORD.signature) {
      fail(`its ZIP directory must have ${count} records: there is none at byte ${at}`);
    }
    const nameEnd = at + RECORD.bytes + view.getUint16(at + 28, true);
    next = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > directoryEnd) fail(`the record at byte ${at} must end in its ZIP directory: it ends at byte ${next}`);
    const name = new TextDecoder().decode(bytes.subarray(at + RECORD.bytes, nameEnd));
    const label = `its entry ${formatJson(name)}`;
    if (names.has(name)) fail(`${label} must be there once: the record at byte ${at} is its second`);
    names.add(name);
    const method = view.getUint16(at + 10, true);
    const [checksum, packedSize, size, start] = [16, 20, 24, 42].map((field) => view.getUint32(at + field, true));
    if (start + LOCAL.bytes > directory || view.getUint32(start, true) !== LOCAL.signature) {
      fail(`${label} must have its header at byte ${start}: there is none`);
    }
    const data = start + LOCAL.bytes + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    const dataEnd = data + (method === STORED ? size : packedSize);
    const must = `${label} must end before the directory at byte ${directory}`;
    if (dataEnd > directory) fail(`${must}: it ends at byte ${dataEnd}`);
    room -= LOCAL.bytes + dataEnd - data;
    if (room < 0) fail(`${label} at byte ${data} must not overlap with another one`);
    return { name, label, method, packed: bytes.subarray(data, dataEnd), size, checksum };
  });
  const files = entries.filter(({ name }) => !name.endsWith("/"));
  const other = files.find(({ method }) => methods?.includes(method) === false);
  if (other === undefined) return files;
  const or = methods!.includes(DEFLATED) ? " or deflated (method 8)" : "";
  return fail(`${other.label} must be stored without compression (method 0)${or}: current method is ${other.method}`);
}

/** The first of January 1980, the earliest day that ZIP knows: the same content gives the same bytes on any day. */
const DATE = 0x0021;
const VERSION_NEEDED = 20;
const UTF8_NAMES = 0x0800;
/** `torch.save` puts entries at multiples of this, so that they can be mapped into memory, and fills up with an extra field. */
const ALIGNMENT = 64;
const EXTRA_FIELD_HEADER = 4;
/** "FB", by which PyTorch marks that field. */
const EXTRA_FIELD_ID = 0x4246;

/** Writes a ZIP file without compression, each entry at a multiple of 64 bytes. */
export function writeZip(entries: Iterable<readonly [name: string, content: Uint8Array]>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of entries) {
    const title = new TextEncoder().encode(name);
    const headerEnd = at + LOCAL.bytes + title.length + EXTRA_FIELD_HEADER;
    // what header and record share: version, flags, method, time, date; checksum, sizes, length of the name
    const { length } = content;
    const sizes = [crc32(content), length, length, title.length];
    const common = pack("HHHHHIIIH", VERSION_NEEDED, UTF8_NAMES, 0, 0, DATE, ...sizes);
    const rest = pack("HHHHII", 0, 0, 0, 0, 0, at); // no extra field, comment, disk or attributes; the offset
    directory.push(pack("IH", RECORD.signature, VERSION_NEEDED), common, rest, title);
    const padding = (ALIGNMENT - headerEnd % ALIGNMENT) % ALIGNMENT;
    const extra = concatenate([pack("HH", EXTRA_FIELD_ID, padding), new Uint8Array(padding)]);
    parts.push(pack("I", LOCAL.signature), common, pack("H", extra.length), title, extra, content);
    at = headerEnd + padding + length;
  }
  const [records, count] = [concatenate(directory), directory.length / 4];
  const end = pack("IHHHHIIH", END.signature, 0, 0, count, count, records.length, at, 0);
  return concatenate([...parts, records, end]);
}
