import { Stream } from '#protocol/run-frames.ts';
import { Forms, Masker } from '../../mask.ts';
import { ownSecret, SecretUnavailable } from '../../own-secret.ts';
import type { DockerPolicy } from '../../policy/docker.ts';
import { type ImageName, imageName, imageText } from '../../policy/images.ts';
import { NotPrepared, type Output } from '../contract.ts';
import { type Credentials, type Engine, EngineError, type ImageHere, type Progress } from './engine.ts';

/** How often the log says how far a pull has come. */
const TELL_MS = 2000;
/** More layers than any image has. */
const LAYERS_MAX = 1000;
const MIB = 1_048_576;

/** The image that a job asks for, as the policy lets it be had; which one it is stands in the log. Throws `NotPrepared`. */
export async function findImage(
	asked: string,
	engine: Engine,
	policy: DockerPolicy,
	output: Output,
	stopped: AbortSignal,
): Promise<{ image: ImageHere; shown: string }> {
	const name = imageName(asked);
	const text = imageText(name);
	let image = await engine.image(text);
	// A digest names the same for ever.
	const again = policy.pull === 'always' && name.digest === null;
	if (policy.pull !== 'never' && (again || !image)) {
		await pull(name, engine, policy, output, stopped);
		image = await engine.image(text);
	}
	if (!image)
		throw new NotPrepared(
			`the engine has no image ${text}${policy.pull === 'never' ? ", and the agent's policy does not let it be pulled (docker.pull)" : ''}`,
			'image_missing',
		);
	const [digest] = image.digests
		.map(imageName)
		.flatMap((one) => (one.repository === name.repository ? [one.digest] : []));
	const shown = digest ? `${text.split('@')[0] ?? ''}@${digest}` : `${text} (${image.id})`;
	output.note(Stream.stdout, `uhub: image ${shown}`);
	return { image, shown };
}

async function pull(
	name: ImageName,
	engine: Engine,
	policy: DockerPolicy,
	output: Output,
	stopped: AbortSignal,
): Promise<void> {
	const text = imageText(name);
	const credentials = await credentialsFor(name.registry, policy);
	const layers = new Layers();
	output.note(Stream.stdout, `uhub: pulling ${text}`);
	const telling = setInterval(() => {
		output.note(Stream.stdout, `uhub: pulling ${text}: ${layers.said()}`);
	}, TELL_MS);
	try {
		await engine.pull(
			text,
			credentials,
			(progress) => {
				layers.take(progress);
			},
			stopped,
		);
	} catch (error) {
		if (!(error instanceof EngineError) || error.status === null) throw error;
		// What a registry says may hold what it was sent.
		throw new NotPrepared(`${text} ${whyNot(hidden(error.message, credentials))}`, 'pull_failed');
	} finally {
		clearInterval(telling);
	}
}

/** Null: nobody in particular. */
async function credentialsFor(registry: string, policy: DockerPolicy): Promise<Credentials | null> {
	const login = Object.hasOwn(policy.registries, registry) ? policy.registries[registry] : undefined;
	if (!login) return null;
	try {
		const password = await ownSecret(login.password_ref);
		const serveraddress = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
		return { username: login.username, password, serveraddress };
	} catch (error) {
		if (error instanceof SecretUnavailable) throw new NotPrepared(error.message, 'secret_unavailable');
		throw error;
	}
}

function hidden(message: string, credentials: Credentials | null): string {
	const masker = new Masker(new Forms(credentials ? [Buffer.from(credentials.password)] : []));
	return Buffer.concat([masker.push(Buffer.from(message)), masker.end()]).toString();
}

/** A registry's refusal in words, and its own behind them. */
function whyNot(message: string): string {
	const because = [
		[/unauthorized|authentication|denied|no basic auth|forbidden/i, 'is not given to this agent'],
		[/manifest|not found|does not exist|unknown/i, 'is not in its registry'],
		[/dial|lookup|connect|timeout|deadline|x509|tls|EOF|http|network/i, 'cannot be pulled: no way to its registry'],
	] as const;
	const words = because.find(([pattern]) => pattern.test(message))?.[1] ?? 'cannot be pulled';
	return `${words} (${message.trim()})`;
}

/** How far the layers of a pull are. */
class Layers {
	readonly #layers = new Map<string, { done: boolean; current: number; total: number }>();

	take({ id, status, progressDetail }: Progress): void {
		if (id === undefined || status === undefined || !/^[0-9a-f]{12}$/.test(id)) return;
		const layer = this.#layers.get(id) ?? { done: false, current: 0, total: 0 };
		if (this.#layers.size >= LAYERS_MAX && !this.#layers.has(id)) return;
		layer.done ||= /^(pull complete|already exists)/i.test(status);
		if (/^downloading/i.test(status) && progressDetail) {
			layer.current = progressDetail.current ?? layer.current;
			layer.total = progressDetail.total ?? layer.total;
		}
		this.#layers.set(id, layer);
	}

	said(): string {
		const all = [...this.#layers.values()];
		const sum = (of: 'current' | 'total') => Math.round(all.reduce((n, layer) => n + layer[of], 0) / MIB);
		const done = all.filter((layer) => layer.done).length;
		return `${String(done)} of ${String(all.length)} layers, ${String(sum('current'))} of ${String(sum('total'))} MiB`;
	}
}
