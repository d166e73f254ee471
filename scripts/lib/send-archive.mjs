// Sends an archive to an empty hub, part by part. docs/adr/0010-archive-and-import.md
import fs from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, messageOf } from './failure.mjs';

const PART = 4_194_304;
const LINE_FEED = 10;
/** How often a part is sent again before it is given up, each time after a longer while. */
const TRIES = 6;

/**
 * @typedef {{ id: string, next_line: number, complete: boolean }} State
 * @typedef {{ username: string, password: string }} Account
 */

/** Where the line begins that stands `lines` lines behind the beginning. @param {Uint8Array} bytes @param {number} lines */
export function afterLines(bytes, lines) {
	let at = 0;
	for (let n = 0; n < lines; n++) at = bytes.indexOf(LINE_FEED, at) + 1;
	return at;
}

/** What the hub said. @param {Response} response */
async function answerOf(response) {
	/** @type {any} */
	const body = await response.json().catch(() => null);
	if (response.ok && body) return body;
	throw new Failure(body?.detail ?? `the hub answered ${response.status}.`);
}

/**
 * @param {string} hub its address
 * @param {string} file
 * @param {Account} account who signs in afterwards
 * @param {(done: number) => void} [progress] told from 0 to 1
 * @returns {Promise<Account>}
 */
export async function sendArchive(hub, file, account, progress = () => undefined) {
	/** @param {string} path @param {string | Uint8Array<ArrayBuffer>} body @param {string} type */
	const post = async (path, body, type = 'application/json') =>
		answerOf(await fetch(`${hub}/api/imports${path}`, { method: 'POST', headers: { 'content-type': type }, body }));

	/** @type {State} */
	let state = await post('', '{}').catch((error) => {
		throw error instanceof Failure ? error : new Failure(`${hub} does not answer (${messageOf(error)}).`);
	});
	const at = `/${state.id}`;

	/** @param {Uint8Array<ArrayBuffer>} part */
	const send = async (part) => {
		const from = state.next_line;
		for (let tries = 1; ; tries++)
			try {
				return await post(`${at}/lines?from=${from}`, part, 'application/x-ndjson');
			} catch (error) {
				// A refusal stays one. Where no answer came the part may have been taken.
				if (error instanceof Failure || tries === TRIES) throw error;
				await sleep(2 ** tries * 100);
				const now = await fetch(`${hub}/api/imports${at}`).then(answerOf, () => null);
				if (now && now.next_line !== from) return now;
			}
	};

	const handle = await fs.open(file);
	try {
		const { size } = await handle.stat();
		for (let offset = 0; offset < size && !state.complete;) {
			const { bytesRead, buffer } = await handle.read(new Uint8Array(PART), 0, PART, offset);
			const whole = buffer.subarray(0, bytesRead);
			const lines = whole.lastIndexOf(LINE_FEED) + 1;
			// The end was cut off, or a line is longer than any may be: the hub says which.
			const next = await send(lines > 0 ? whole.subarray(0, lines) : whole);
			if (next.next_line === state.next_line) break;
			offset += afterLines(whole, next.next_line - state.next_line);
			state = next;
			progress(offset / size);
		}
	} finally {
		await handle.close();
	}
	return post(`${at}/finish`, JSON.stringify(account));
}
