import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import { ImportState } from '#domain/archive.ts';
import { api } from '#lib/api/client.ts';

/** How much of the file is read and sent at once, in bytes: less than the hub takes, for progress that is seen to move. */
const PART = 4_194_304;
const LINE_FEED = 10;

const Person = z.object({
	kind: z.literal('User'),
	row: z.object({ username: z.string(), role: z.literal('admin'), is_active: z.literal(true) }),
});

/** Where the line begins that stands `lines` lines behind the beginning. */
export function afterLines(bytes: Uint8Array, lines: number): number {
	let at = 0;
	for (let n = 0; n < lines; n++) at = bytes.indexOf(LINE_FEED, at) + 1;
	return at;
}

/** The admins an archive begins with: one of them may be the account to go on with. */
export function adminsIn(bytes: Uint8Array): string[] {
	const names: string[] = [];
	for (const line of new TextDecoder().decode(bytes).split('\n').slice(1)) {
		if (!line.startsWith('{"kind":"User"')) break;
		try {
			const person = Person.safeParse(JSON.parse(line));
			if (person.success) names.push(person.data.row.username);
		} catch {
			// Cut off: the hub says what is wrong with it.
			break;
		}
	}
	return names;
}

export interface Sent {
	state: ImportState;
	admins: string[];
}

/** Sends an archive to a hub that is empty. What is wrong with it is thrown; where it ends too early the hub says so at the end. */
export async function sendArchive(
	file: Blob,
	{ signal, onprogress }: { signal: AbortSignal; onprogress: (done: number) => void },
): Promise<Sent> {
	let state = await api.post('/imports', {}, ImportState);
	let admins: string[] = [];
	for (let offset = 0; offset < file.size && !state.complete;) {
		const part = new Uint8Array(await file.slice(offset, offset + PART).arrayBuffer());
		if (offset === 0) admins = adminsIn(part);
		const lines = part.lastIndexOf(LINE_FEED) + 1;
		// Without any line's end it was cut off, or a line is longer than any may be: the hub says which.
		const next = await sendPart(state, lines > 0 ? part.subarray(0, lines) : part, signal);
		if (next.next_line === state.next_line) break;
		offset += afterLines(part, next.next_line - state.next_line);
		state = next;
		onprogress(offset / file.size);
	}
	return { state, admins };
}

async function sendPart(state: ImportState, lines: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<ImportState> {
	try {
		return await api.lines(`/imports/${state.id}/lines`, lines, ImportState, {
			query: { from: state.next_line },
			signal,
		});
	} catch (error) {
		// The answer was lost, and asked for again: the lines had been taken.
		const now = ImportState.safeParse(error instanceof ApiError ? error.problem.current : null);
		if (now.success && now.data.next_line > state.next_line) return now.data;
		throw error;
	}
}
