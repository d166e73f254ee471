import type { Command } from '../command.ts';
import { listAgents } from './agents/list.ts';
import { completion } from './completion.ts';
import { follow } from './follow.ts';
import { listIncidents } from './incidents/list.ts';
import { noteOnIncident } from './incidents/note.ts';
import { openIncident } from './incidents/open.ts';
import { showIncident } from './incidents/show.ts';
import {
	acknowledgeIncident,
	closeIncident,
	mitigateIncident,
	reopenIncident,
	resolveIncident,
} from './incidents/steps.ts';
import { createJob } from './jobs/create.ts';
import { editJob } from './jobs/edit.ts';
import { listJobs } from './jobs/list.ts';
import { showJob } from './jobs/show.ts';
import { signJob } from './jobs/sign.ts';
import { jobTemplate } from './jobs/template.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { listProjects } from './projects/list.ts';
import { showProject } from './projects/show.ts';
import { run } from './run.ts';
import { cancelRun } from './runs/cancel.ts';
import { listRuns } from './runs/list.ts';
import { logOfRun } from './runs/log.ts';
import { showRun } from './runs/show.ts';
import { createToken } from './tokens/create.ts';
import { listTokens } from './tokens/list.ts';
import { revokeToken } from './tokens/revoke.ts';
import { whoami } from './whoami.ts';

/** In the order the help tells of them. */
export const commands: readonly Command[] = [
	login,
	logout,
	whoami,
	listProjects,
	showProject,
	listJobs,
	showJob,
	createJob,
	editJob,
	jobTemplate,
	signJob,
	run,
	follow,
	listRuns,
	showRun,
	cancelRun,
	logOfRun,
	listIncidents,
	showIncident,
	openIncident,
	acknowledgeIncident,
	mitigateIncident,
	resolveIncident,
	closeIncident,
	reopenIncident,
	noteOnIncident,
	listAgents,
	listTokens,
	createToken,
	revokeToken,
	completion,
];
