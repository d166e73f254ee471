import type { Access } from '#domain/access.ts';
import type { Project } from '#domain/project.ts';
import type { Role } from '#domain/user.ts';
import type { DemoUser, ProjectName } from './jobs.ts';

export const demoUsers: { username: DemoUser; role: Role; display_name: string; locale: 'fr' | 'en' }[] = [
	{ username: 'admin', role: 'admin', display_name: 'Alix Admin', locale: 'en' },
	{ username: 'projets', role: 'projets', display_name: 'Paule Projets', locale: 'fr' },
	{ username: 'dev', role: 'dev', display_name: 'Dev Martin', locale: 'en' },
	{ username: 'ops', role: 'ops', display_name: 'Olga Ops', locale: 'en' },
];

interface DemoProject extends Pick<Project, 'color' | 'description'> {
	name: ProjectName;
	owner: DemoUser;
}

export const demoProjects: DemoProject[] = [
	{ name: 'App', color: '#5b8def', owner: 'projets', description: 'The shop our customers see.' },
	{ name: 'Infra', color: '#e0a03c', owner: 'admin', description: 'Hosts, networks, databases, backups.' },
	{ name: 'Registry', color: '#a678de', owner: 'admin', description: 'Images and packages, and who may pull them.' },
	{ name: 'Monitoring', color: '#3fb68b', owner: 'admin', description: 'What we measure, and what wakes us up.' },
];

export const demoGroups: { name: string; members: DemoUser[]; access: Partial<Record<ProjectName, Access>> }[] = [
	{
		name: 'Développement',
		members: ['dev'],
		access: { App: 'contribute', Registry: 'contribute', Monitoring: 'read' },
	},
	{
		name: 'Exploitation',
		members: ['ops'],
		access: { App: 'operate', Infra: 'operate', Registry: 'operate', Monitoring: 'operate' },
	},
	{ name: 'Chefs de projet', members: ['projets'], access: { Infra: 'read', Monitoring: 'operate' } },
];

/** Agents of the demo's past, away now: the other halves of their keys were never kept. */
export const demoAgents = [
	{
		name: 'paris-1',
		labels: { site: 'paris', docker: 'yes' },
		public_key: '9kwvPFO2-fQkas_lXEzQMwczL6CEf63JPIaVLDxqJmU',
	},
	{ name: 'lyon-2', labels: { site: 'lyon' }, public_key: 'EJXmw9EMbZYOtYT8cRmOmJwHII7mYGYCEO8hEjkrSX8' },
];
