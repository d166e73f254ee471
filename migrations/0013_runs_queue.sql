ALTER TABLE `runs` ADD `priority` text DEFAULT 'normal' NOT NULL;--> statement-breakpoint
ALTER TABLE `runs` ADD `labels` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `runs` ADD `approvals_missing` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
UPDATE `runs` SET
	`priority` = (SELECT `priority` FROM `jobs` WHERE `jobs`.`id` = `runs`.`job_id`),
	`labels` = (SELECT `labels` FROM `jobs` WHERE `jobs`.`id` = `runs`.`job_id`)
WHERE `status` = 'queued';--> statement-breakpoint
CREATE INDEX `runs_queue` ON `runs` (`project_id`,case when environment_id is null then 0 else environment_id end || ' ' || case when plan_id is null then 0 else plan_id end || ' ' || (break_freeze is not null) || ' ' || backend || ' ' || labels,case priority when 'critical' then 0 when 'high' then 1 when 'normal' then 2 else 3 end,`requested_at`,`id`,`not_before`,`concurrency_key`) WHERE status = 'queued' and approvals_missing = 0;--> statement-breakpoint
CREATE INDEX `runs_awaiting` ON `runs` (`project_id`,`approval_expires_at`) WHERE status = 'queued' and approvals_missing > 0;--> statement-breakpoint
CREATE INDEX `runs_agent` ON `runs` (`agent_id`,`requested_at`,`id`);