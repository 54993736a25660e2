/** What a workspace is and how its work is arranged: a section each, named by the address. */
import { may, type Model } from "../data/model";
import { Empty } from "../ui/controls";
import { SettingsFrame, Tabs } from "../ui/forms";
import { useModel } from "../workspace/context";
import { AuditLog } from "./AuditLog";
import { General } from "./General";
import { Labels } from "./Labels";
import { Projects } from "./Projects";
import { Statuses } from "./Statuses";
import { Tokens } from "./Tokens";
import { Webhooks } from "./Webhooks";

const SECTIONS = [
  { id: "general", label: "General", Section: General, isFor: () => true },
  { id: "projects", label: "Projects", Section: Projects, isFor: () => true },
  { id: "statuses", label: "Statuses", Section: Statuses, isFor: () => true },
  { id: "labels", label: "Labels", Section: Labels, isFor: () => true },
  { id: "tokens", label: "API tokens", Section: Tokens, isFor: (model: Model) => may(model, "TOKEN_ADMIN") },
  { id: "webhooks", label: "Webhooks", Section: Webhooks, isFor: (model: Model) => may(model, "WEBHOOK_ADMIN") },
  { id: "audit", label: "Audit log", Section: AuditLog, isFor: (model: Model) => may(model, "MEMBER_ADMIN") },
] as const;

export default function SettingsPage({ slug, section = "general" }: { slug: string; section: string | undefined }) {
  const model = useModel();
  const shown = SECTIONS.filter(({ isFor }) => isFor(model));
  const current = shown.find(({ id }) => id === section);
  const tabs = shown.map(({ id, label }) => ({ id, label, href: `/w/${slug}/settings/${id}` }));
  return (
    <SettingsFrame title="Settings" lead={model.workspace?.name} tabs={<Tabs label="Settings" tabs={tabs} current={current?.id ?? ""} />}>
      {current ? <current.Section /> : <Empty title="There is no such section for you." />}
    </SettingsFrame>
  );
}
