import type { ProjectStatus } from '#domain/project.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const projectStatus: Words<ProjectStatus> = {
	active: m.project_active,
	paused: m.project_paused,
	archived: m.project_archived,
};
