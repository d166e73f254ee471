import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Modem from 'docker-modem';
import { z } from 'zod';
import { parseJson } from '../../config.ts';
import { codeOf, messageOf } from '../../failure.ts';

/** How long the engine may take for what it does at once. */
const ANSWER_MS = 120_000;
const ANSWER_MAX = 16 * 1_048_576;
const REMOVE_TRIES = 20;
const REMOVE_AGAIN_MS = 250;
/** The longest line it may say while it pulls. */
const LINE_MAX = 65_536;

/** The engine refused, or did not answer. */
export class EngineError extends Error {
	/** Of its answer; null: there was none. */
	readonly status: number | null;

	constructor(message: string, status: number | null) {
		super(message);
		this.status = status;
	}
}

const Version = z.looseObject({
	Version: z.string(),
	Components: z.array(z.looseObject({ Name: z.string() })).nullish(),
});
const ImageFound = z.looseObject({
	Id: z.string(),
	RepoDigests: z.array(z.string()).nullish(),
	Config: z.looseObject({ User: z.string().nullish() }).nullish(),
});
const Limits = z.looseObject({
	NanoCpus: z.number().nullish(),
	Memory: z.number().nullish(),
	PidsLimit: z.number().nullish(),
});
const Inspected = z.looseObject({
	Image: z.string(),
	HostConfig: Limits,
	State: z.looseObject({
		Status: z.string(),
		Running: z.boolean(),
		OOMKilled: z.boolean().nullish(),
		ExitCode: z.int(),
		Error: z.string().nullish(),
	}),
});
const Progress = z.looseObject({
	id: z.string().optional(),
	status: z.string().optional(),
	error: z.string().optional(),
	progressDetail: z.looseObject({ current: z.number().optional(), total: z.number().optional() }).optional(),
});
const Listed = z.array(z.looseObject({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullish() }));
const ListedVolumes = z.looseObject({ Volumes: z.array(z.looseObject({ Name: z.string() })).nullish() });

export type Progress = z.infer<typeof Progress>;
export type ContainerState = z.infer<typeof Inspected>['State'];
export interface ContainerHere {
	/** Its image's id. */
	image: string;
	state: ContainerState;
	/** What the engine made of those it was asked for: it leaves out what it cannot hold. */
	limits: z.infer<typeof Limits>;
}
export interface ImageHere {
	/** Of what it holds: never another's. */
	id: string;
	/** Who its processes are; '' for root. */
	user: string;
	/** `repository@sha256:…`, by which it can be pulled again. */
	digests: string[];
}
/** As the engine takes it. */
export type ContainerConfig = object;
export interface Credentials {
	username: string;
	password: string;
	serveraddress: string;
}
/** What a call may have beside its method and path. */
interface Call {
	query?: Record<string, unknown>;
	body?: object;
	archive?: Readable;
	credentials?: Credentials | null;
	/** What else than a success is an answer. */
	accepts?: number[];
	/** Null: it lasts as long as it lasts. */
	stopped?: AbortSignal | null;
}

/** A Docker or Podman engine behind a socket: the calls a run needs, each answer parsed. Throws `EngineError` and nothing else. */
export class Engine {
	readonly #socket: string;
	readonly #modem: Modem;

	constructor(socket: string) {
		this.#socket = socket;
		this.#modem = new Modem({ socketPath: socket });
	}

	async version(): Promise<{ name: 'docker' | 'podman'; version: string }> {
		const { Version: version, Components } = await this.#ask(Version, 'GET', '/version');
		const podman = (Components ?? []).some(({ Name }) => /podman/i.test(Name));
		return { name: podman ? 'podman' : 'docker', version };
	}

	/** Null: it is not here. */
	async image(name: string): Promise<ImageHere | null> {
		const found = await this.#ask(ImageFound, 'GET', `/images/${name}/json`).catch(unlessMissing);
		return found && { id: found.Id, user: found.Config?.User ?? '', digests: found.RepoDigests ?? [] };
	}

	/** Resolves when it is here. What the registry refuses is an `EngineError` too. */
	async pull(
		name: string,
		credentials: Credentials | null,
		told: (progress: Progress) => void,
		stopped: AbortSignal,
	): Promise<void> {
		let text = '';
		for await (const bytes of await this.#read('POST', '/images/create', {
			query: { fromImage: name },
			credentials,
			stopped,
		})) {
			text += bytes.toString();
			for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
				takeProgress(text.slice(0, end), told);
				text = text.slice(end + 1);
			}
			if (text.length > LINE_MAX) throw new EngineError('it said something that is no progress', null);
		}
		takeProgress(text, told);
	}

	async create(name: string, config: ContainerConfig): Promise<void> {
		await this.#ask(z.unknown(), 'POST', '/containers/create', { query: { name }, body: config });
	}

	/** Null: there is no such container. */
	async container(name: string): Promise<ContainerHere | null> {
		const found = await this.#ask(Inspected, 'GET', `/containers/${name}/json`).catch(unlessMissing);
		return found && { image: found.Image, state: found.State, limits: found.HostConfig };
	}

	/** Unpacks an archive below a path of the container. */
	async put(name: string, path: string, archive: Readable): Promise<void> {
		await this.#ask(z.unknown(), 'PUT', `/containers/${name}/archive`, { query: { path }, archive, stopped: null });
	}

	/** An archive of a path of the container; null: there is none. */
	get(name: string, path: string): Promise<AsyncIterable<Buffer> | null> {
		return this.#read('GET', `/containers/${name}/archive`, { query: { path } }).catch(unlessMissing);
	}

	/** Both streams of what is said from now on. */
	attach(name: string): Promise<AsyncIterable<Buffer>> {
		const query = { stream: true, stdout: true, stderr: true };
		return this.#read('POST', `/containers/${name}/attach`, { query, stopped: null });
	}

	/** Both streams from the beginning; `follow`: and on until the container's end, or until the engine has had enough (Podman, at times). */
	log(name: string, follow: boolean): Promise<AsyncIterable<Buffer>> {
		const query = { follow, stdout: true, stderr: true };
		return this.#read('GET', `/containers/${name}/logs`, { query, stopped: null });
	}

	async start(name: string): Promise<void> {
		await this.#ask(z.unknown(), 'POST', `/containers/${name}/start`, { accepts: [304] });
	}

	/** Resolves when it does not run, or not any more. */
	async ended(name: string, stopped: AbortSignal): Promise<void> {
		await this.#ask(z.unknown(), 'POST', `/containers/${name}/wait`, { stopped });
	}

	/** Where it does not run, nothing happens. */
	async kill(name: string, signal: NodeJS.Signals): Promise<void> {
		const answer = this.#ask(z.unknown(), 'POST', `/containers/${name}/kill`, { query: { signal }, accepts: [409] });
		await answer.catch(unlessMissing);
	}

	/** However it is, and with the volumes that its image asked for. */
	async remove(name: string): Promise<void> {
		const query = { force: true, v: true };
		await this.#remove(`/containers/${name}`, { query });
	}

	async removeVolume(name: string): Promise<void> {
		await this.#remove(`/volumes/${name}`);
	}

	/** Containers with a label, running or not, each with what it says of another one. */
	async containers(label: string, other: string): Promise<{ id: string; of: string }[]> {
		const query = { all: true, filters: { label: [label] } };
		const found = await this.#ask(Listed, 'GET', '/containers/json', { query });
		return found.map(({ Id, Labels }) => ({ id: Id, of: Labels?.[other] ?? '' }));
	}

	/** Names of volumes that begin so. */
	async volumes(prefix: string): Promise<string[]> {
		const query = { filters: { name: [prefix] } };
		const { Volumes } = await this.#ask(ListedVolumes, 'GET', '/volumes', { query });
		return (Volumes ?? []).flatMap(({ Name }) => (Name.startsWith(prefix) ? [Name] : []));
	}

	/** What is still held, or is being removed already, is so for a moment. */
	async #remove(path: string, call: Call = {}): Promise<void> {
		for (let tries = 1; ; tries++) {
			try {
				await this.#ask(z.unknown(), 'DELETE', path, call).catch(unlessMissing);
				return;
			} catch (error) {
				const held = error instanceof EngineError && (error.status === 409 || error.status === 500);
				if (!held || tries === REMOVE_TRIES) throw error;
			}
			await sleep(REMOVE_AGAIN_MS);
		}
	}

	async #ask<T>(schema: z.ZodType<T>, method: string, path: string, call: Call = {}): Promise<T> {
		const parts: Buffer[] = [];
		let length = 0;
		for await (const part of await this.#read(method, path, call)) {
			parts.push(part);
			length += part.length;
			if (length > ANSWER_MAX) throw new EngineError('it answers more than any engine has to say', null);
		}
		const answer = schema.safeParse(parseJson(Buffer.concat(parts).toString()));
		if (!answer.success) throw new EngineError('it answers as no engine does', null);
		return answer.data;
	}

	/** Resolves when the answer begins; what goes wrong later comes while it is read. */
	async #read(method: string, path: string, call: Call): Promise<AsyncIterable<Buffer>> {
		const stream = await this.#dial(method, path, call).catch((error: unknown) => {
			throw this.#said(error);
		});
		const said = (error: unknown) => this.#said(error);
		return (async function* () {
			try {
				for await (const part of stream) yield Buffer.from(part);
			} catch (error) {
				throw said(error);
			}
		})();
	}

	/** Always as a stream: the library's own reading of an answer waits for ever where the engine goes away in the middle of one. */
	#dial(
		method: string,
		path: string,
		{ query, body, archive, credentials, accepts, stopped }: Call,
	): Promise<IncomingMessage> {
		const signal = stopped === undefined ? AbortSignal.timeout(ANSWER_MS) : stopped;
		return new Promise((resolve, reject) => {
			this.#modem.dial(
				{
					path: `${path}?`,
					method,
					isStream: true,
					options: method === 'GET' ? { ...query } : { _query: query ?? {}, _body: body ?? {} },
					statusCodes: Object.fromEntries([200, 201, 204, ...(accepts ?? [])].map((code) => [code, true])),
					...(archive && { file: archive }),
					...(credentials && { authconfig: { ...credentials } }),
					...(signal && { abortSignal: signal }),
				},
				(error, answer) => {
					if (answer instanceof IncomingMessage) resolve(answer);
					else reject(error ?? new Error('no answer'));
				},
			);
		});
	}

	/** What went wrong, in the engine's words where it has any. */
	#said(error: unknown): EngineError {
		if (error instanceof EngineError) return error;
		const answer = Refused.safeParse(error);
		if (answer.success)
			return new EngineError(/ - (.*)/s.exec(answer.data.message)?.[1]?.trim() ?? '', answer.data.statusCode);
		const because = whyNoAnswer[codeOf(error)] ?? (codeOf(error) || messageOf(error));
		return new EngineError(`${this.#socket}: ${because}`, null);
	}
}

/** As the library tells of it: "(HTTP code 404) what the code means - what the engine said". */
const Refused = z.looseObject({ statusCode: z.int(), message: z.string() });

const whyNoAnswer: Record<string, string> = {
	ENOENT: 'there is no such socket',
	EACCES: 'the agent may not use this socket',
	ECONNREFUSED: 'nobody listens at this socket',
	ECONNRESET: 'the engine went away',
	ABORT_ERR: 'the engine did not answer in time',
};

function unlessMissing(error: unknown): null {
	if (error instanceof EngineError && error.status === 404) return null;
	throw error;
}

function takeProgress(line: string, told: (progress: Progress) => void): void {
	if (line.trim() === '') return;
	const progress = Progress.safeParse(parseJson(line));
	if (!progress.success) return;
	// Not a status of its own: the answer has begun by then.
	if (progress.data.error !== undefined) throw new EngineError(progress.data.error, 500);
	told(progress.data);
}
