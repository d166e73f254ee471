import { isUtf8 } from 'node:buffer';

/** Shorter than this, a form would be found everywhere; a secret that has none as long is not handed out at all. */
export const MASK_MIN = 6;
const MASK = Buffer.from('***');
/** Where the usual programs break their lines: base64, PEM and openssl; xxd -p. */
const BASE64_LINES = [76, 64];
const HEX_LINES = [60];

const pieces = (text: string, width: number): string[] =>
	text.length <= width ? [] : (text.match(new RegExp(`.{1,${String(width)}}`, 'g')) ?? []);

/** The part of a base64 text that depends on nothing but the secret, for each of the three places it can start at. */
function base64Forms(secret: Buffer): string[] {
	return [0, 1, 2].flatMap((shift) => {
		const encoded = Buffer.concat([Buffer.alloc(shift), secret]).toString('base64');
		const from = Math.ceil((shift * 8) / 6);
		const whole = encoded.slice(from, Math.floor(((shift + secret.length) * 8) / 6));
		const forms = [whole, ...(shift === 0 ? BASE64_LINES.flatMap((width) => pieces(whole, width)) : [])];
		return forms.flatMap((f) => [f, f.replaceAll('+', '-').replaceAll('/', '_')]);
	});
}

function textForms(text: string): string[] {
	const url = encodeURIComponent(text);
	// The characters encodeURIComponent leaves alone though other languages do not.
	const strict = url.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
	const json = JSON.stringify(text).slice(1, -1);
	const ascii = json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
	const urls = [url, strict, strict.replaceAll('%2F', '/')];
	return [
		...urls,
		...urls.map((u) => u.replaceAll('%20', '+')),
		...urls.map((u) => u.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())),
		json,
		json.replaceAll('/', '\\/'),
		ascii,
		text.replaceAll("'", "'\\''"),
		text.replaceAll("'", `'"'"'`),
		text.replace(/["$`\\]/g, '\\$&'),
		// Like printf %q: a backslash before all that a shell could read as its own.
		text.replace(/[^\w@%+=:,./\n-]/gu, '\\$&'),
	];
}

/** Every form of a secret that must not be seen: raw, line by line, base64, base64url, hex, URL, JSON and shell-quoted. */
export function formsOf(secret: Uint8Array): Buffer[] {
	const raw = Buffer.from(secret);
	const forms = new Map<string, Buffer>();
	const add = (form: Buffer) => {
		if (form.length >= MASK_MIN) forms.set(form.toString('latin1'), form);
	};
	// A file's last line break is no part of the secret: nobody prints it with one.
	const bare = raw.subarray(0, raw.length - (/\r?\n$/.exec(raw.toString('latin1'))?.[0].length ?? 0));
	for (const value of [raw, bare]) {
		add(value);
		for (const line of value.toString('latin1').split(/\r?\n/)) add(Buffer.from(line, 'latin1'));
		const hex = value.toString('hex');
		const encoded = [...base64Forms(value), hex, hex.toUpperCase(), ...HEX_LINES.flatMap((w) => pieces(hex, w))];
		for (const form of [...encoded, ...(isUtf8(value) ? textForms(value.toString('utf8')) : [])])
			add(Buffer.from(form));
	}
	return [...forms.values()];
}

/** A form is looked for by its first bytes, read as one number. Every form has more. */
const HEAD = 4;
/** Where in the table a head is: a multiplicative hash, its upper bits. */
const slotOf = (head: number): number => Math.imul(head, 0x9e3779b1) >>> 16;

/** The forms of some secrets, prepared for looking at bytes. Shared by the maskers of a run's streams. */
export class Forms {
	readonly #all: readonly Buffer[];
	readonly #byHead = new Map<number, Buffer[]>();
	/** 1 where some form's head may be: one look per byte, however many forms there are. */
	readonly #slots = new Uint8Array(65_536);

	constructor(secrets: readonly Uint8Array[]) {
		this.#all = secrets.flatMap(formsOf);
		for (const form of this.#all) {
			const head = form.readInt32BE(0);
			this.#slots[slotOf(head)] = 1;
			this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), form]);
		}
	}

	get empty(): boolean {
		return this.#all.length === 0;
	}

	/** The first place from `from` on where a form may start; the length of `bytes` when there is none. */
	next(bytes: Buffer, from: number): number {
		const slots = this.#slots;
		const end = bytes.length - HEAD;
		if (from > end) return from;
		let head = bytes.readInt32BE(from);
		for (let at = from; ; at++) {
			if (slots[slotOf(head)] === 1) return at;
			if (at === end) return at + 1;
			head = (head << 8) | (bytes[at + HEAD] ?? 0);
		}
	}

	/** How far a secret reaches from `at` (0: none starts there), and whether one that starts there may go on beyond the end. */
	at(bytes: Buffer, at: number): { length: number; open: boolean } {
		const left = bytes.length - at;
		const candidates = left < HEAD ? this.#all : (this.#byHead.get(bytes.readInt32BE(at)) ?? []);
		let length = 0;
		let open = false;
		for (const form of candidates) {
			const seen = Math.min(form.length, left);
			if (form.length <= length || bytes.compare(form, 0, seen, at, at + seen) !== 0) continue;
			if (seen < form.length) open = true;
			else length = seen;
		}
		return { length, open };
	}
}

/**
 * Replaces every secret in a stream of bytes by `***`, wherever the stream is cut. All that any occurrence covers is replaced,
 * overlapping ones by a single mark, so that the result does not depend on the cuts. Only bytes that could be the beginning
 * of a secret are held back, until the next ones decide; what is still held at the end is given out by `end`.
 */
export class Masker {
	readonly #forms: Forms;
	#held: Buffer = Buffer.alloc(0);
	/** How many of the held bytes are covered by a secret whose mark was given out already. */
	#covered = 0;

	constructor(forms: Forms) {
		this.#forms = forms;
	}

	push(bytes: Buffer): Buffer {
		if (this.#forms.empty) return bytes;
		return this.#scan(this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]), false);
	}

	end(): Buffer {
		return this.#forms.empty ? Buffer.alloc(0) : this.#scan(this.#held, true);
	}

	#scan(bytes: Buffer, last: boolean): Buffer {
		const out: Buffer[] = [];
		let covered = this.#covered;
		let plain = covered;
		let at = this.#forms.next(bytes, 0);
		for (; at < bytes.length; at = this.#forms.next(bytes, at + 1)) {
			const found = this.#forms.at(bytes, at);
			if (found.open && !last) break;
			const end = at + found.length;
			if (end <= covered || found.length === 0) continue;
			if (at >= covered) {
				if (at > plain) out.push(bytes.subarray(plain, at));
				out.push(MASK);
			}
			covered = end;
			plain = end;
		}
		if (at > plain) out.push(bytes.subarray(plain, at));
		this.#held = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
		this.#covered = Math.max(0, covered - at);
		const [only] = out;
		return out.length === 1 && only ? only : Buffer.concat(out);
	}
}
