"""The tables of metadata: ECMA-335 II.22, and the portable PDB specification of dotnet/runtime (0x30 to 0x37).

A column is `Name:kind`. Kinds: a number is that many bytes; S, B and G are indexes into the heaps of strings, blobs
and GUIDs; the name of a table is a row number there; that of a coded index a row number with its table in the low bits.
"""

TABLES = {
    0x00: "Module Generation:2 Name:S Mvid:G EncId:G EncBaseId:G",
    0x01: "TypeRef ResolutionScope:ResolutionScope TypeName:S TypeNamespace:S",
    0x02: "TypeDef Flags:4 TypeName:S TypeNamespace:S Extends:TypeDefOrRef FieldList:Field MethodList:MethodDef",
    0x03: "FieldPtr Field:Field",
    0x04: "Field Flags:2 Name:S Signature:B",
    0x05: "MethodPtr Method:MethodDef",
    0x06: "MethodDef RVA:4 ImplFlags:2 Flags:2 Name:S Signature:B ParamList:Param",
    0x07: "ParamPtr Param:Param",
    0x08: "Param Flags:2 Sequence:2 Name:S",
    0x09: "InterfaceImpl Class:TypeDef Interface:TypeDefOrRef",
    0x0A: "MemberRef Class:MemberRefParent Name:S Signature:B",
    0x0B: "Constant Type:2 Parent:HasConstant Value:B",
    0x0C: "CustomAttribute Parent:HasCustomAttribute Type:CustomAttributeType Value:B",
    0x0D: "FieldMarshal Parent:HasFieldMarshal NativeType:B",
    0x0E: "DeclSecurity Action:2 Parent:HasDeclSecurity PermissionSet:B",
    0x0F: "ClassLayout PackingSize:2 ClassSize:4 Parent:TypeDef",
    0x10: "FieldLayout Offset:4 Field:Field",
    0x11: "StandAloneSig Signature:B",
    0x12: "EventMap Parent:TypeDef EventList:Event",
    0x13: "EventPtr Event:Event",
    0x14: "Event EventFlags:2 Name:S EventType:TypeDefOrRef",
    0x15: "PropertyMap Parent:TypeDef PropertyList:Property",
    0x16: "PropertyPtr Property:Property",
    0x17: "Property Flags:2 Name:S Type:B",
    0x18: "MethodSemantics Semantics:2 Method:MethodDef Association:HasSemantics",
    0x19: "MethodImpl Class:TypeDef MethodBody:MethodDefOrRef MethodDeclaration:MethodDefOrRef",
    0x1A: "ModuleRef Name:S",
    0x1B: "TypeSpec Signature:B",
    0x1C: "ImplMap MappingFlags:2 MemberForwarded:MemberForwarded ImportName:S ImportScope:ModuleRef",
    0x1D: "FieldRVA RVA:4 Field:Field",
    0x1E: "EncLog Token:4 FuncCode:4",
    0x1F: "EncMap Token:4",
    0x20: "Assembly HashAlgId:4 MajorVersion:2 MinorVersion:2 BuildNumber:2 RevisionNumber:2 Flags:4 PublicKey:B "
    "Name:S Culture:S",
    0x21: "AssemblyProcessor Processor:4",
    0x22: "AssemblyOS OSPlatformId:4 OSMajorVersion:4 OSMinorVersion:4",
    0x23: "AssemblyRef MajorVersion:2 MinorVersion:2 BuildNumber:2 RevisionNumber:2 Flags:4 PublicKeyOrToken:B Name:S "
    "Culture:S HashValue:B",
    0x24: "AssemblyRefProcessor Processor:4 AssemblyRef:AssemblyRef",
    0x25: "AssemblyRefOS OSPlatformId:4 OSMajorVersion:4 OSMinorVersion:4 AssemblyRef:AssemblyRef",
    0x26: "File Flags:4 Name:S HashValue:B",
    0x27: "ExportedType Flags:4 TypeDefId:4 TypeName:S TypeNamespace:S Implementation:Implementation",
    0x28: "ManifestResource Offset:4 Flags:4 Name:S Implementation:Implementation",
    0x29: "NestedClass NestedClass:TypeDef EnclosingClass:TypeDef",
    0x2A: "GenericParam Number:2 Flags:2 Owner:TypeOrMethodDef Name:S",
    0x2B: "MethodSpec Method:MethodDefOrRef Instantiation:B",
    0x2C: "GenericParamConstraint Owner:GenericParam Constraint:TypeDefOrRef",
    0x30: "Document Name:B HashAlgorithm:G Hash:B Language:G",
    0x31: "MethodDebugInformation Document:Document SequencePoints:B",
    0x32: "LocalScope Method:MethodDef ImportScope:ImportScope VariableList:LocalVariable ConstantList:LocalConstant "
    "StartOffset:4 Length:4",
    0x33: "LocalVariable Attributes:2 Index:2 Name:S",
    0x34: "LocalConstant Name:S Signature:B",
    0x35: "ImportScope Parent:ImportScope Imports:B",
    0x36: "StateMachineMethod MoveNextMethod:MethodDef KickoffMethod:MethodDef",
    0x37: "CustomDebugInformation Parent:HasCustomDebugInformation Kind:G Value:B",
}

NUMBERS = {row.split(" ", 1)[0]: number for number, row in TABLES.items()}
"""Name of a table to its number."""

_ATTRIBUTED = (
    "MethodDef Field TypeRef TypeDef Param InterfaceImpl MemberRef Module DeclSecurity Property Event StandAloneSig "
    "ModuleRef TypeSpec Assembly AssemblyRef File ExportedType ManifestResource GenericParam GenericParamConstraint "
    "MethodSpec"
)

CODED = {
    "TypeDefOrRef": (2, "TypeDef TypeRef TypeSpec"),
    "HasConstant": (2, "Field Param Property"),
    "HasCustomAttribute": (5, _ATTRIBUTED),
    "HasFieldMarshal": (1, "Field Param"),
    "HasDeclSecurity": (2, "TypeDef MethodDef Assembly"),
    "MemberRefParent": (3, "TypeDef TypeRef ModuleRef MethodDef TypeSpec"),
    "HasSemantics": (1, "Event Property"),
    "MethodDefOrRef": (1, "MethodDef MemberRef"),
    "MemberForwarded": (1, "Field MethodDef"),
    "Implementation": (2, "File AssemblyRef ExportedType"),
    "CustomAttributeType": (3, "MethodDef MemberRef"),  # tags 2 and 3; only the sizes of the tables matter here
    "ResolutionScope": (2, "Module ModuleRef AssemblyRef TypeRef"),
    "TypeOrMethodDef": (1, "TypeDef MethodDef"),
    "HasCustomDebugInformation": (5, _ATTRIBUTED + " Document LocalScope LocalVariable LocalConstant ImportScope"),
}
"""Coded indexes (II.24.2.6): how many low bits name the table, and the tables in the order of that number."""
