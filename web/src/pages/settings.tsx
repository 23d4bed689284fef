/* How the pages look to me, on this machine: language, theme, density, time zone. */
import { Dialog } from "../parts/dialog";
import { SelectField } from "../parts/field";
import { language, languageUse, say, zone, zoneUse, type Language, type Zone } from "../words/words";
import { look, lookUse, type Density, type Theme } from "./look";

export function Settings({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={say("nav.settings")} onClose={onClose}>
      <SelectField<Language> label={say("settings.language")} value={language.value} onValue={(v) => void languageUse(v)}
        options={[{ value: "ja", text: "日本語" }, { value: "en", text: "English" }]} />
      <SelectField<Theme> label={say("settings.theme")} value={look.value.theme} onValue={(theme) => lookUse({ theme })}
        options={[
          { value: "system", text: say("settings.theme.system") },
          { value: "light", text: say("settings.theme.light") },
          { value: "dark", text: say("settings.theme.dark") },
        ]} />
      <SelectField<Density> label={say("settings.density")} value={look.value.density} onValue={(density) => lookUse({ density })}
        options={[{ value: "roomy", text: say("settings.density.roomy") }, { value: "dense", text: say("settings.density.dense") }]} />
      <SelectField<Zone> label={say("settings.zone")} value={zone.value} onValue={zoneUse}
        options={[
          { value: "local", text: say("settings.zone.local") },
          { value: "Asia/Tokyo", text: say("settings.zone.tokyo") },
          { value: "UTC", text: "UTC" },
        ]} />
    </Dialog>
  );
}
