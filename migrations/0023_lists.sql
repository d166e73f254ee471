CREATE TABLE `job_tags` (
	`tag` text NOT NULL,
	`job_id` integer NOT NULL,
	PRIMARY KEY(`tag`, `job_id`),
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `job_tags_job` ON `job_tags` (`job_id`);--> statement-breakpoint
CREATE INDEX `jobs_by_priority` ON `jobs` (`project_id`,case priority when 'low' then 0 when 'normal' then 1 when 'high' then 2 when 'critical' then 3 end,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_status` ON `jobs` (`project_id`,case status when 'draft' then 0 when 'planned' then 1 when 'running' then 2 when 'success' then 3 when 'failed' then 4 when 'canceled' then 5 end,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_start` ON `jobs` (`project_id`,case when planned_start is null then -8640000000000000 else planned_start end,`id`);--> statement-breakpoint
CREATE INDEX `jobs_requester` ON `jobs` (`project_id`,`requested_by_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `runs_status` ON `runs` (`project_id`,`status`,`requested_at`);--> statement-breakpoint
CREATE INDEX `runs_by_status` ON `runs` (`project_id`,case status when 'queued' then 0 when 'running' then 1 when 'success' then 2 when 'failed' then 3 when 'canceled' then 4 when 'lost' then 5 end,`id`);--> statement-breakpoint
CREATE INDEX `runs_by_start` ON `runs` (`project_id`,case when started_at is null then -8640000000000000 else started_at end,`id`);--> statement-breakpoint
CREATE INDEX `runs_by_duration` ON `runs` (`project_id`,case when duration is null then -8640000000000000 else duration end,`id`);--> statement-breakpoint
CREATE INDEX `runs_backend` ON `runs` (`project_id`,`backend`,`requested_at`);--> statement-breakpoint
CREATE INDEX `runs_priority` ON `runs` (`project_id`,`priority`,`requested_at`);--> statement-breakpoint
CREATE INDEX `runs_again` ON `runs` (`project_id`,`attempt`,`requested_at`);
--> statement-breakpoint
INSERT OR IGNORE INTO `job_tags` (`tag`, `job_id`) SELECT tag.value, jobs.id FROM `jobs`, json_each(jobs.tags) AS tag;--> statement-breakpoint
CREATE TRIGGER `job_tags_insert` AFTER INSERT ON `jobs` BEGIN INSERT OR IGNORE INTO `job_tags` (`tag`, `job_id`) SELECT value, new.`id` FROM json_each(new.`tags`); END;
--> statement-breakpoint
CREATE TRIGGER `job_tags_update` AFTER UPDATE OF `tags` ON `jobs` BEGIN DELETE FROM `job_tags` WHERE `job_id` = old.`id`; INSERT OR IGNORE INTO `job_tags` (`tag`, `job_id`) SELECT value, new.`id` FROM json_each(new.`tags`); END;
--> statement-breakpoint
CREATE VIRTUAL TABLE `audit_text` USING fts5(`action`, `metadata`, content='', tokenize='trigram');--> statement-breakpoint
INSERT INTO `audit_text` (`rowid`, `action`, `metadata`) SELECT `id`, `action`, substr(`metadata`, 1, 1000) FROM `audit_logs`;--> statement-breakpoint
CREATE TRIGGER `audit_text_insert` AFTER INSERT ON `audit_logs` BEGIN INSERT INTO `audit_text` (`rowid`, `action`, `metadata`) VALUES (new.`id`, new.`action`, substr(new.`metadata`, 1, 1000)); END;
