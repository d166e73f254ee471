import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import type { Client } from '#client/client.ts';
import { JobType } from '#domain/job.ts';
import { Priority } from '#domain/priority.ts';
import { many, one, text, whole } from '../../args.ts';
import { readAll } from '../../ask.ts';
import { command, type Tools } from '../../command.ts';
import { Failure, usage } from '../../failure.ts';
import { findEnvironment, findProject, findScript } from '../../find.ts';
import { jobDetails } from '../../job-details.ts';
import { planOf, planOptions } from '../../job-plan.ts';
import { pairs } from '../../pages.ts';
import { Job, Script } from '../../rows.ts';

/** As much as the hub takes with a script. */
const SCRIPT_MAX = 1_048_576;

export const createJob = command({
	name: 'jobs create',
	summary: 'add a job to a project',
	operands: [],
	options: {
		project: text('PROJECT', 'where it belongs'),
		title: text('TITLE', 'what it is called'),
		type: one('TYPE', JobType, 'what kind of work it is'),
		script: many('SCRIPT', z.string().min(1), 'a script that is there already, by its name or id; they run in order'),
		shell: many('FILE', z.string().min(1), 'a shell script to upload with it ("-": standard input)'),
		env: text('ENVIRONMENT', 'where it runs unless a run says otherwise'),
		priority: one('PRIORITY', Priority, 'its place in the queue (default normal)'),
		description: text('TEXT', 'what it is for'),
		tag: many('TAG', z.string(), 'a word to find it by'),
		label: many('K=V', z.string(), 'only for agents that carry this label'),
		timeout: whole('SECONDS', 1, 604_800, 'how long a run may take (default 3600)'),
		...planOptions,
	},
	run: async ({ values }, tools) => {
		const { project: where, title, type: job_type, description, priority, timeout, env, tag: tags } = values;
		if (where === undefined) throw usage('--project is missing.');
		if (title === undefined) throw usage('--title is missing.');
		if (job_type === undefined) throw usage('--type is missing.');
		const plan = planOf(values);
		const labels = pairs('--label', values.label);
		const uploads = await Promise.all(values.shell.map((file) => scriptIn(file, title, tools)));

		const { api } = await tools.hub();
		const { id } = await findProject(api, where);
		const environment = env === undefined ? null : await findEnvironment(api, id, env);
		const script_ids: number[] = [];
		for (const script of values.script) script_ids.push((await findScript(api, id, script)).id);
		for (const upload of uploads) script_ids.push(await uploaded(api, id, upload));
		const job = await api.post(
			`/projects/${String(id)}/jobs`,
			{
				title,
				job_type,
				script_ids,
				tags,
				labels,
				environment_id: environment?.id ?? null,
				...(description !== undefined && { description }),
				...(priority !== undefined && { priority }),
				...(timeout !== undefined && { timeout_s: timeout }),
				...plan,
			},
			Job,
		);
		tools.out.show(job, (style) => jobDetails(job, style));
		return undefined;
	},
});

interface Upload {
	name: string;
	content: string;
}

async function scriptIn(file: string, title: string, { stdin }: Tools): Promise<Upload> {
	if (file === '-') return { name: title.slice(0, 80), content: await readAll(stdin, SCRIPT_MAX) };
	try {
		return { name: path.basename(file), content: await readFile(file, 'utf8') };
	} catch (error) {
		throw new Failure(`--shell: ${error instanceof Error ? error.message : String(error)}`);
	}
}

async function uploaded(api: Client, project_id: number, { name, content }: Upload): Promise<number> {
	const body = { tool: 'shell', location_type: 'uploaded', name, content } as const;
	try {
		return (await api.post(`/projects/${String(project_id)}/scripts`, body, Script)).id;
	} catch (error) {
		if (!(error instanceof ApiError) || error.status !== 409) throw error;
		throw new Failure(`--shell: the project has a script "${name}" already. Use it: --script "${name}"`);
	}
}
