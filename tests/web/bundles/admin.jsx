// An administration of posts and authors by react-admin.
import {
  Admin, BooleanInput, Create, Datagrid, DateField, DateInput, Edit, EditButton, List, ReferenceField, ReferenceInput,
  required, Resource, SelectInput, SimpleForm, TextField, TextInput,
} from "react-admin";
import jsonServerProvider from "ra-data-json-server";
import { createRoot } from "react-dom/client";

const STATES = ["draft", "review", "published"].map((id) => ({ id, name: id }));
const Posts = () => (
  <List perPage={5} filters={[<TextInput key="q" source="q" label="Search" alwaysOn />]}>
    <Datagrid rowClick={false}>
      <TextField source="id" /><TextField source="title" />
      <ReferenceField source="author" reference="authors"><TextField source="name" /></ReferenceField>
      <TextField source="state" /><DateField source="day" locales="en-GB" /><EditButton />
    </Datagrid>
  </List>
);
const fields = [
  <TextInput key="title" source="title" validate={required()} />,
  <ReferenceInput key="author" source="author" reference="authors"><SelectInput optionText="name" /></ReferenceInput>,
  <SelectInput key="state" source="state" choices={STATES} />,
  <DateInput key="day" source="day" />,
  <BooleanInput key="pinned" source="pinned" />,
];
createRoot(document.getElementById("app")).render(
  <Admin dataProvider={jsonServerProvider(`${location.origin}/api`)} disableTelemetry>
    <Resource name="posts" list={Posts} edit={() => <Edit mutationMode="pessimistic"><SimpleForm>{fields}</SimpleForm></Edit>}
      create={() => <Create redirect="list"><SimpleForm>{fields}</SimpleForm></Create>} />
    <Resource name="authors" recordRepresentation="name" />
  </Admin>,
);
