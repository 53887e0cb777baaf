// Content that a page was given or gave: clips by media type, files. Large ones go in parts before what mentions them.
import type { Clip, FileChosen } from "../wire";
import { dots } from "./masks";

const MOST_BYTES = 64 << 20;
const MOST_INLINE = 64 << 10;
const MOST_PIECES = 64;
const PART = 192 << 10; // bytes; a third more in base64

/** Something whose bytes are to be stated; the fields of `told` are filled in then. */
export interface Loading {
  told: Clip | FileChosen;
  blob: Blob;
}

export interface Content {
  clips: Clip[];
  files: FileChosen[];
  loading: Loading[];
}

/** What a transfer holds, read while its event lasts. */
export function contentOf(transfer: DataTransfer | null, masked: boolean): Content {
  const content: Content = { clips: [], files: [], loading: [] };
  if (!transfer) return content;
  for (const type of [...transfer.types].slice(0, MOST_PIECES)) {
    if (type === "Files") continue;
    const text = transfer.getData(type);
    content.clips.push(clip(type, masked ? dots(text) : text, content.loading));
  }
  for (const item of [...transfer.items].slice(0, MOST_PIECES)) {
    if (item.kind !== "file") continue;
    const file = item.getAsFile();
    if (!file) continue;
    const folder = item.webkitGetAsEntry()?.isDirectory;
    if (folder) content.files.push({ name: name(file), type: "", size: 0, skipped: "a folder" });
    else content.files.push(chosen(file, content.loading));
  }
  return content;
}

/** A text as one clip. */
export function textContentOf(text: string, masked: boolean): Content {
  const loading: Loading[] = [];
  return { clips: text ? [clip("text/plain", masked ? dots(text) : text, loading)] : [], files: [], loading };
}

export function filesOf(files: FileList): Content {
  const loading: Loading[] = [];
  return { clips: [], files: [...files].map((file) => chosen(file, loading)), loading };
}

function clip(type: string, text: string, loading: Loading[]): Clip {
  const told: Clip = { type: type.slice(0, 1024), size: text.length };
  if (text.length <= MOST_INLINE) told.text = text;
  else loading.push({ told, blob: new Blob([text]) });
  return told;
}

function chosen(file: File, loading: Loading[]): FileChosen {
  const told: FileChosen = { name: name(file), type: file.type.slice(0, 1024), size: file.size };
  if (file.size > MOST_BYTES) told.skipped = `larger than ${MOST_BYTES >> 20} MiB`;
  else loading.push({ told, blob: file });
  return told;
}

const name = (file: File) => (file.webkitRelativePath || file.name).slice(0, 1024);

/** The bytes in base64, portion by portion. Rejects if they cannot be read. */
export async function* partsOf(blob: Blob): AsyncGenerator<string> {
  for (let at = 0; at < blob.size; at += PART) yield base64(await blob.slice(at, at + PART).arrayBuffer());
}

function base64(bytes: ArrayBuffer): string {
  const codes: string[] = [];
  const view = new Uint8Array(bytes);
  for (let at = 0; at < view.length; at += 8192) codes.push(String.fromCharCode(...view.subarray(at, at + 8192)));
  return btoa(codes.join(""));
}
