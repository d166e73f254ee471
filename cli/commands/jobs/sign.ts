import { Signature } from '#domain/job-signature.ts';
import { text } from '../../args.ts';
import { readAll } from '../../ask.ts';
import { command } from '../../command.ts';
import { Failure } from '../../failure.ts';
import { findEnvironment, findJob } from '../../find.ts';
import { JobSignature } from '../../rows.ts';

export const signJob = command({
	name: 'jobs sign',
	summary: 'give the hub what uhub-agent sign printed, from standard input',
	operands: ['JOB'],
	options: {
		env: text('ENVIRONMENT', 'where it is to run'),
		project: text('PROJECT', 'where to look for the title'),
	},
	run: async ({ of, values }, { out, hub, stdin }) => {
		const signature = Signature.safeParse(parsed(await readAll(stdin)));
		if (!signature.success) throw new Failure('What is on standard input is not what uhub-agent sign prints.');
		const { api } = await hub();
		const job = await findJob(api, of.JOB, values.project);
		const environment = values.env === undefined ? null : await findEnvironment(api, job.project_id, values.env);
		const query = { environment_id: environment?.id };
		const made = await api.put(`/jobs/${String(job.id)}/signature`, signature.data, JobSignature, { query });
		out.show(made, () => `Job ${String(job.id)} is signed by ${made.key}, ${until(made.not_after)}.`);
		return undefined;
	},
});

const until = (end: string | null) => (end === null ? 'until it is signed anew' : `until ${end}`);

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
