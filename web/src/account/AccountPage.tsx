/** The person's own things: a section each, named by the address. */
import { useEffect } from "react";
import { Link } from "wouter";
import { useHere } from "../workspace/touched";
import { Empty } from "../ui/controls";
import { nowShown } from "../app/later";
import { SettingsFrame, Tabs } from "../ui/forms";
import { Preferences } from "../notifications/Preferences";
import { Devices } from "./Devices";
import { Profile } from "./Profile";
import { Security } from "./Security";

const SECTIONS = [
  { id: "profile", label: "Profile", Section: Profile },
  { id: "security", label: "Sign-in", Section: Security },
  { id: "devices", label: "Devices", Section: Devices },
  { id: "notifications", label: "Notifications", Section: Preferences },
] as const;

export default function AccountPage({ section = "profile" }: { section: string | undefined }) {
  useEffect(nowShown, []);
  useHere();
  const current = SECTIONS.find(({ id }) => id === section);
  const tabs = SECTIONS.map(({ id, label }) => ({ id, label, href: `/account/${id}` }));
  return (
    <SettingsFrame title="Account" tabs={<Tabs label="Account" tabs={tabs} current={current?.id ?? ""} />}>
      {current ? <current.Section /> : <Empty title="There is no such section."><Link className="text-accent underline" href="/account">To your profile</Link></Empty>}
    </SettingsFrame>
  );
}
