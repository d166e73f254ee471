import WebSocket from 'ws';
import { Close, FRAME_MAX } from '#protocol/close-codes.ts';
import { codeOf, messageOf } from '../failure.ts';
import type { Dial, Ended } from './contract.ts';

/** How long the hub has for its first word, from the dialling on. */
const FIRST_WORD_MS = 5000;
/** A socket on which nothing came for this long is dead, whatever the system says of it. */
const SILENCE_MS = 9000;
const PING_MS = 3000;
const CLOSE_MS = 1000;

/** The connection by WebSocket. */
export const dialWebSocket: Dial = ({ hub, agent_id }, listener) => {
	const address = new URL(`/live/agent?agent=${String(agent_id)}`, hub);
	address.protocol = hub.protocol === 'https:' ? 'wss:' : 'ws:';
	const ws = new WebSocket(address, {
		handshakeTimeout: FIRST_WORD_MS,
		maxPayload: FRAME_MAX,
		perMessageDeflate: false,
		followRedirects: false,
	});
	let problem = '';
	/** A WebSocket that was answered, but not as one is, or opened and came to nothing without a word of the hub's. */
	let how: Ended['how'] = 'other';
	let spoken = false;
	const dialled = performance.now();
	let heard = dialled;
	const hear = () => (heard = performance.now());
	const watch = setInterval(() => {
		const now = performance.now();
		if (now - heard > SILENCE_MS || (!spoken && now - dialled > FIRST_WORD_MS)) {
			problem = `nothing was heard for ${String(Math.round((now - heard) / 1000))} s`;
			if (!spoken) how = 'kept_out';
			ws.terminate();
		} else if (ws.readyState === WebSocket.OPEN) ws.ping();
	}, PING_MS);
	ws.on('pong', hear);
	ws.on('ping', hear);
	ws.on('unexpected-response', (_request, response) => {
		problem = `it answered ${String(response.statusCode)} instead of opening a WebSocket`;
		// The hub itself says 400 when the request for a WebSocket arrives without being one any more.
		const byHub = response.headers['content-type']?.startsWith('application/problem+json') === true;
		how = byHub && response.statusCode !== 400 ? 'other' : 'kept_out';
		// Destroying the request alone would leave the socket waiting.
		ws.terminate();
	});
	ws.on('error', (error) => {
		// Some answers are no WebSocket's though they say 101; some only ever time out; some are cut without one.
		if (!problem && looksKeptOut(error)) how = 'kept_out';
		problem ||= codeOf(error) || messageOf(error);
	});
	ws.on('message', (data, binary) => {
		hear();
		spoken = true;
		if (!Buffer.isBuffer(data)) return;
		if (binary) listener.binary(data);
		else listener.text(data.toString());
	});
	ws.on('open', () => {
		if (!spoken) how = 'kept_out';
	});
	ws.on('close', (code, reason) => {
		clearInterval(watch);
		const byHub = code >= 4000;
		listener.ended({ why: problem || sayClose(code, reason.toString()), how: spoken || byHub ? 'other' : how });
	});
	return {
		kind: 'websocket',
		send: (frame) => {
			ws.send(frame);
		},
		close: (code, reason) =>
			new Promise((resolve) => {
				const timer = setTimeout(resolve, CLOSE_MS);
				ws.once('close', () => {
					clearTimeout(timer);
					resolve();
				});
				ws.close(code, reason);
			}),
	};
};

/** Not: nobody there, no such name, no way there, or another certificate than the hub's. */
const looksKeptOut = (error: Error): boolean => codeOf(error) === '' || codeOf(error) === 'ECONNRESET';

export function sayClose(code: number, reason: string): string {
	const words: Record<number, string> = {
		[Close.notSignedIn]: 'the hub does not know this key',
		[Close.notAllowed]: 'the hub does not let this agent in',
		[Close.takenOver]: 'another connection of this agent took its place',
		[Close.tooFast]: 'the hub said it was too fast',
	};
	const said = words[code] ?? `it was closed (${String(code)})`;
	return reason === '' ? said : `${said}: ${reason}`;
}
