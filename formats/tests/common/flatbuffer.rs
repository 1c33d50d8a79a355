//! Writes flatbuffers field by field, so that a test can make a `.tflite` file that is wrong in
//! one place.

/// What a field holds.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    Byte(u8),
    Int(i32),
    Float(f32),
    Ints(Vec<i32>),
    Floats(Vec<f32>),
    Longs(Vec<i64>),
    Bytes(Vec<u8>),
    Table(Table),
    Tables(Vec<Table>),
}

/// Fields by their number in the schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table(pub(crate) Vec<(usize, Field)>);

impl Table {
    pub(crate) fn new(fields: impl IntoIterator<Item = (usize, Field)>) -> Self {
        Self(fields.into_iter().collect())
    }

    /// Changes a field, or adds it.
    pub(crate) fn set(&mut self, number: usize, field: Field) -> &mut Self {
        self.remove(number);
        self.0.push((number, field));
        self
    }

    pub(crate) fn remove(&mut self, number: usize) -> &mut Self {
        self.0.retain(|(known, _)| *known != number);
        self
    }

    fn field(&mut self, number: usize) -> &mut Field {
        let mut fields = self.0.iter_mut();
        let field = fields.find(|(known, _)| *known == number);
        &mut field.expect("a field of the table").1
    }

    /// Element `index` of a vector of tables.
    pub(crate) fn item(&mut self, number: usize, index: usize) -> &mut Self {
        match self.field(number) {
            Field::Tables(tables) => &mut tables[index],
            other => panic!("{other:?}"),
        }
    }

    /// The vector of tables of a field.
    pub(crate) fn items(&mut self, number: usize) -> &mut Vec<Self> {
        match self.field(number) {
            Field::Tables(tables) => tables,
            other => panic!("{other:?}"),
        }
    }

    /// The table of a field.
    pub(crate) fn table(&mut self, number: usize) -> &mut Self {
        match self.field(number) {
            Field::Table(table) => table,
            other => panic!("{other:?}"),
        }
    }

    /// The file whose root this table is.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut bytes = b"\0\0\0\0TFL3".to_vec();
        self.write(&mut bytes, 0);
        bytes
    }

    /// Appends the table, then what it refers to, and points the offset at `from` to it.
    fn write(&self, bytes: &mut Vec<u8>, from: usize) {
        let n_slots = self.0.iter().map(|(number, _)| number + 1).max();
        let vtable_len = 4 + 2 * n_slots.unwrap_or(0);
        let vtable_at = bytes.len();
        bytes.resize(vtable_at + vtable_len, 0);
        let at = bytes.len();
        point(bytes, from, at);
        bytes.extend(int(vtable_len).to_le_bytes());
        for (number, field) in &self.0 {
            let offset = short(bytes.len() - at);
            let slot = vtable_at + 4 + 2 * number;
            bytes[slot..slot + 2].copy_from_slice(&offset);
            match field {
                Field::Byte(byte) => bytes.push(*byte),
                Field::Float(value) => bytes.extend(value.to_le_bytes()),
                Field::Int(value) => bytes.extend(value.to_le_bytes()),
                _ => bytes.extend([0; 4]),
            }
        }
        let table_len = short(bytes.len() - at);
        bytes[vtable_at..vtable_at + 2].copy_from_slice(&short(vtable_len));
        bytes[vtable_at + 2..vtable_at + 4].copy_from_slice(&table_len);
        let mut field_at = at + 4;
        for (_, field) in &self.0 {
            let here = field_at;
            field_at += if matches!(field, Field::Byte(_)) {
                1
            } else {
                4
            };
            let (len, elements) = match field {
                Field::Byte(_) | Field::Int(_) | Field::Float(_) => continue,
                Field::Table(table) => {
                    table.write(bytes, here);
                    continue;
                }
                Field::Tables(tables) => (tables.len(), vec![0; 4 * tables.len()]),
                Field::Bytes(values) => (values.len(), values.clone()),
                Field::Ints(values) => (values.len(), flat(values, i32::to_le_bytes)),
                Field::Floats(values) => (values.len(), flat(values, f32::to_le_bytes)),
                Field::Longs(values) => (values.len(), flat(values, i64::to_le_bytes)),
            };
            let start = bytes.len();
            point(bytes, here, start);
            bytes.extend(int(len).to_le_bytes());
            bytes.extend(elements);
            if let Field::Tables(tables) = field {
                for (index, table) in tables.iter().enumerate() {
                    table.write(bytes, start + 4 + 4 * index);
                }
            }
        }
    }
}

fn flat<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| bytes(value)).collect()
}

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("a small file")
}

fn short(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("a small table").to_le_bytes()
}

fn point(bytes: &mut [u8], from: usize, to: usize) {
    bytes[from..from + 4].copy_from_slice(&int(to - from).to_le_bytes());
}
