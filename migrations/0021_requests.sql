ALTER TABLE `runs` RENAME COLUMN "approval_hash" TO "request_hash";--> statement-breakpoint
ALTER TABLE `runs` ADD `start_before` integer;--> statement-breakpoint
CREATE INDEX `runs_start_before` ON `runs` (`project_id`,`start_before`) WHERE status = 'queued';--> statement-breakpoint
CREATE INDEX `runs_busy` ON `runs` (`agent_id`) WHERE status = 'running';--> statement-breakpoint
ALTER TABLE `agents` ADD `refusal` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `start_within_s` integer DEFAULT 86400 NOT NULL;