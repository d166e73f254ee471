/** What ansible counted for a host: ok, changed, unreachable, failed, skipped, rescued, ignored. */
export type Counts = Record<string, number>;

/** A longer line is none that is looked for. */
const LINE_MAX = 8_192;
const HOSTS_MAX = 1_000;
// eslint-disable-next-line no-control-regex -- colours begin with one
const SGR = /\x1b\[[0-9;]*m/g;
const RESULT = /^(?:ok|changed|skipping|failed|fatal|unreachable|rescued|ignored): \[([^\]\s]+)(?: -> [^\]]*)?\]/;
const RECAP = /^(\S+)\s+: ((?:\w+=\d+\s*)+)$/;

export const failedIn = (counts: Counts): boolean => (counts['failed'] ?? 0) > 0 || (counts['unreachable'] ?? 0) > 0;

/** Reads along with what a playbook prints (its default callback, coloured or not): which hosts it came to, and its recap. */
export class RecapReader {
	/** By host, in the order of the recap. */
	readonly recap = new Map<string, Counts>();
	readonly #onHost: (host: string) => void;
	readonly #seen = new Set<string>();
	readonly #decoder = new TextDecoder();
	#line = '';
	#within = false;

	/** `onHost` is told of each host once, as soon as it is come to. */
	constructor(onHost: (host: string) => void) {
		this.#onHost = onHost;
	}

	push(bytes: Buffer): void {
		const [first = '', ...rest] = this.#decoder.decode(bytes, { stream: true }).split('\n');
		this.#add(first);
		for (const part of rest) {
			if (this.#line.length <= LINE_MAX) this.#read(this.#line.replace(SGR, '').trimEnd());
			this.#line = '';
			this.#add(part);
		}
	}

	#add(part: string): void {
		if (this.#line.length <= LINE_MAX) this.#line += part;
	}

	#read(line: string): void {
		if (/^PLAY RECAP \*+$/.test(line)) {
			this.#within = true;
			return;
		}
		if (!this.#within) {
			this.#came(RESULT.exec(line)?.[1]);
			return;
		}
		const [, host, pairs] = RECAP.exec(line) ?? [];
		if (host === undefined || pairs === undefined) {
			this.#within = line !== '' && this.#within;
			return;
		}
		this.#came(host);
		if (this.#seen.has(host))
			this.recap.set(
				host,
				Object.fromEntries([...pairs.matchAll(/(\w{1,40})=(\d{1,9})/g)].map(([, k = '', v]) => [k, Number(v)])),
			);
	}

	#came(host: string | undefined): void {
		if (host === undefined || host.length > 253 || this.#seen.has(host) || this.#seen.size === HOSTS_MAX) return;
		this.#seen.add(host);
		this.#onHost(host);
	}
}
