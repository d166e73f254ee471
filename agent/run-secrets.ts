import path from 'node:path';
import type { Home } from './config.ts';
import type { Seen } from './executors/contract.ts';
import { SecretUnavailable } from './own-secret.ts';
import type { Policy } from './policy/index.ts';
import { resolveSecret, SecretFiles } from './secrets.ts';
import type { Vault } from './vault.ts';

interface Surroundings {
	home: Home;
	policy: Policy;
	vault: Vault | null;
}

/** The secrets of one run, each in one file however often it is named. */
export class SecretsOfRun {
	readonly values: Buffer[] = [];
	readonly #project_id: number;
	readonly #seen: Seen | null;
	readonly #s: Surroundings;
	readonly #paths = new Map<string, string>();
	#files: SecretFiles | null = null;

	constructor(project_id: number, seen: Seen | null, s: Surroundings) {
		this.#project_id = project_id;
		this.#seen = seen;
		this.#s = s;
	}

	/** Where they lie on this host. */
	get dir(): string | null {
		return this.#files?.dir ?? null;
	}

	/** Answers the file's path as the run's processes see it. Throws `SecretUnavailable`. */
	put(ref: string): Promise<string> {
		return this.#put(ref, ref, (value) => value);
	}

	/** One that is to become a variable, and so can hold no NUL. */
	putText(ref: string): Promise<string> {
		return this.#put(`text ${ref}`, ref, (value) => {
			if (value.includes(0)) throw new SecretUnavailable(`${ref} holds a NUL, which no variable can`);
			return value;
		});
	}

	/** A private key, with the line's end that ssh wants of it. */
	putKey(ref: string): Promise<string> {
		return this.#put(`key ${ref}`, ref, (value) => Buffer.from(`${value.toString('latin1').trimEnd()}\n`, 'latin1'));
	}

	async #put(as: string, ref: string, form: (value: Buffer) => Buffer): Promise<string> {
		const known = this.#paths.get(as);
		if (known !== undefined) return known;
		const value = form(await resolveSecret(ref, this.#project_id, this.#s.policy, this.#s.vault));
		this.#files ??= await SecretFiles.create(this.#s.home.tag, this.#seen !== null, this.#s.policy.run_as);
		const name = String(this.#paths.size + 1);
		const here = await this.#files.put(name, value);
		const file = this.#seen ? path.posix.join(this.#seen.secrets, name) : here;
		this.values.push(value);
		this.#paths.set(as, file);
		return file;
	}

	async remove(): Promise<void> {
		await this.#files?.remove();
	}
}
