import { rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { z } from 'zod';
import { EnrolAnswer, EnrolRequest } from '#domain/agent.ts';
import { enrolMessage } from '#protocol/agent.ts';
import { homeAt, hubUrl, isEnrolled, makeHome, parseJson, writeConfig } from '../config.ts';
import { codeOf, Failure } from '../failure.ts';
import { Key } from '../key.ts';
import { newPolicy } from '../policy/new.ts';
import { VERSION } from '../version.ts';

const ANSWER_WITHIN_MS = 15_000;
const ANSWER_MAX = 65_536;

export interface EnrollOptions {
	hub: string;
	token: string;
	name?: string | undefined;
	labels: string[];
	capacity?: string | undefined;
	home?: string | undefined;
	insecure: boolean;
	allowLocal: boolean;
}

/**
 * Makes a key, proves it to the hub with the one-time token, and keeps who this agent is. Nothing is kept when the hub refuses.
 * Answers with what the operator should know.
 */
export async function enroll(options: EnrollOptions): Promise<string> {
	const home = homeAt(options.home);
	const hub = hubUrl(options.hub, options.insecure);
	await makeHome(home);
	if (await isEnrolled(home))
		throw new Failure(`There is an agent in ${home.dir} already. To enrol another, give --home another directory.`);

	const key = Key.generate();
	const { public_key } = key;
	const request = EnrolRequest.safeParse({
		token: options.token,
		name: options.name ?? os.hostname(),
		public_key,
		signature: key.sign(enrolMessage({ token: options.token, public_key })),
		labels: labelsOf(options.labels),
		...(options.capacity === undefined ? {} : { capacity: Number(options.capacity) }),
		version: VERSION,
	});
	if (!request.success) throw new Failure(`This cannot be sent to the hub:\n${z.prettifyError(request.error)}`);
	// Written before the token is spent: afterwards there must be nothing left that can fail for want of room.
	const draft = `${home.key}.new`;
	await rm(draft, { force: true });
	await writeFile(draft, key.pem(), { mode: 0o600, flag: 'wx' });
	let answer: z.infer<typeof EnrolAnswer>;
	try {
		answer = await ask(hub, request.data);
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
	await rename(draft, home.key);
	if (!(await exists(home.policy))) await writeFile(home.policy, newPolicy(options.allowLocal), { mode: 0o600 });
	const { name, labels, capacity } = request.data;
	await writeConfig(home, {
		hub: hub.origin,
		insecure: options.insecure,
		agent_id: answer.agent_id,
		name,
		labels,
		capacity,
	});

	const said = [`Enrolled at ${hub.origin} as agent ${String(answer.agent_id)} (${name}).`];
	if (answer.status === 'pending')
		said.push(
			`It waits to be confirmed: an admin compares this fingerprint with the one the hub shows.\n\n  ${key.fingerprint}\n`,
		);
	if (!options.allowLocal) said.push(`It allows nothing yet: say what it may do in ${home.policy}`);
	said.push(`Start it: uhub-agent start${options.home === undefined ? '' : ` --home ${home.dir}`}`);
	return said.join('\n');
}

const exists = (file: string): Promise<boolean> =>
	stat(file).then(
		() => true,
		() => false,
	);

function labelsOf(pairs: readonly string[]): Record<string, string> {
	return Object.fromEntries(
		pairs.map((pair) => {
			const at = pair.indexOf('=');
			if (at < 1) throw new Failure(`--label takes key=value, not "${pair}".`);
			return [pair.slice(0, at), pair.slice(at + 1)];
		}),
	);
}

const Problem = z.object({
	detail: z.string().max(2000).optional(),
	errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

async function ask(hub: URL, request: EnrolRequest): Promise<z.infer<typeof EnrolAnswer>> {
	let status: number;
	let text: string;
	try {
		const response = await fetch(new URL('/api/agents/enrol', hub), {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(request),
			// A hub that sends the token elsewhere is not the hub that was named.
			redirect: 'error',
			signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
		});
		status = response.status;
		text = (await response.text()).slice(0, ANSWER_MAX);
	} catch (error) {
		throw new Failure(
			`The hub ${hub.origin} cannot be reached: ${codeOf(error) || 'it did not answer as a hub does'}.`,
		);
	}
	if (status !== 200 && status !== 201) {
		const { detail, errors = [] } = Problem.safeParse(parseJson(text)).data ?? {};
		const fields = errors.map(({ path, message }) => `${path} ${message}`).join('; ');
		const said = [detail, fields].filter(Boolean).join(' ');
		throw new Failure(
			`The hub did not enrol this agent (${String(status)}): ${said || 'it did not say why'}${status === 403 ? ' An admin can make a new token: one lives for an hour and works once.' : ''}`,
		);
	}
	const answer = EnrolAnswer.safeParse(parseJson(text));
	if (!answer.success) throw new Failure(`${hub.origin} did not answer as a hub does.`);
	return answer.data;
}
