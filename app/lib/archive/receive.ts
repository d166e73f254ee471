import { api } from '#lib/api/client.ts';

export interface Received {
	file: Blob;
	/** Lines between the header and the end; null: it was cut off. */
	lines: number | null;
}

/** The export as a file, told of as it grows. A file the browser was left alone with would not be known to be whole. */
export async function receiveArchive(
	choice: { logs: boolean; documents: boolean },
	{ signal, onprogress }: { signal: AbortSignal; onprogress: (bytes: number) => void },
): Promise<Received> {
	const { body } = await api.stream('/export', { query: choice, signal });
	let size = 0;
	let tail = new Uint8Array();
	const counted = body?.pipeThrough(
		new TransformStream<Uint8Array, Uint8Array>({
			transform(bytes, controller) {
				size += bytes.length;
				tail = lastOf(tail, bytes);
				onprogress(size);
				controller.enqueue(bytes);
			},
		}),
	);
	const file = await new Response(counted ?? null).blob();
	const end = /\{"kind":"End","row":\{"lines":(\d+)\}\}\n$/.exec(new TextDecoder().decode(tail));
	return { file, lines: end ? Number(end[1]) : null };
}

/** The last line of an archive is a short one. */
const TAIL = 100;

function lastOf(before: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
	const all = new Uint8Array(before.length + Math.min(bytes.length, TAIL));
	all.set(before);
	all.set(bytes.subarray(-TAIL), before.length);
	return all.slice(-TAIL);
}

/** Hands a file to the person, as a download. */
export function save(file: Blob, name: string): void {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(file);
	link.download = name;
	link.click();
	// The browser has it by then; kept longer, it would stay in memory as long as the page.
	setTimeout(() => {
		URL.revokeObjectURL(link.href);
	}, 60_000);
}
