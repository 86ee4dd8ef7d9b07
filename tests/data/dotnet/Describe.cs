// Prints what System.Reflection.Metadata says of an assembly and its portable PDB: the oracle of the tests.
// describe ASSEMBLY [PDB]; without PDB the embedded one.
// A: assembly, version. I: PDB id. D: document, hash algorithm, hash. M: token, method, token of the method as written.
// S: IL offset, then h (hidden) or line, column, end line, end column; document.
using System;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

static class Describe
{
    static string TypeName(MetadataReader reader, TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        string name = reader.GetString(type.Name);
        if (!type.GetDeclaringType().IsNil) return TypeName(reader, type.GetDeclaringType()) + "+" + name;
        string space = reader.GetString(type.Namespace);
        return space.Length > 0 ? space + "." + name : name;
    }

    static string Hex(byte[] bytes) { return BitConverter.ToString(bytes).Replace("-", "").ToLower(); }

    static MetadataReader OpenPdb(PEReader image, string path)
    {
        if (path != null)
            return MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(File.ReadAllBytes(path))).GetMetadataReader();
        var entry = image.ReadDebugDirectory().First(e => e.Type == DebugDirectoryEntryType.EmbeddedPortablePdb);
        return image.ReadEmbeddedPortablePdbDebugDirectoryData(entry).GetMetadataReader();
    }

    static void Main(string[] arguments)
    {
        var image = new PEReader(new MemoryStream(File.ReadAllBytes(arguments[0])));
        var assembly = image.GetMetadataReader();
        var pdb = OpenPdb(image, arguments.Length > 1 ? arguments[1] : null);
        var own = assembly.GetAssemblyDefinition();
        Console.WriteLine("A|" + assembly.GetString(own.Name) + "|" + own.Version);
        Console.WriteLine("I|" + Hex(pdb.DebugMetadataHeader.Id.ToArray()));
        foreach (var handle in pdb.Documents)
        {
            var document = pdb.GetDocument(handle);
            Console.WriteLine("D|" + pdb.GetString(document.Name) + "|" + pdb.GetGuid(document.HashAlgorithm) + "|"
                + Hex(pdb.GetBlobBytes(document.Hash)));
        }
        foreach (var handle in pdb.MethodDebugInformation)
        {
            var information = pdb.GetMethodDebugInformation(handle);
            var method = assembly.GetMethodDefinition(handle.ToDefinitionHandle());
            var written = information.GetStateMachineKickoffMethod();
            int token = MetadataTokens.GetToken(handle.ToDefinitionHandle());
            Console.WriteLine("M|" + token.ToString("x") + "|" + TypeName(assembly, method.GetDeclaringType()) + "."
                + assembly.GetString(method.Name) + "|" + (written.IsNil ? token : MetadataTokens.GetToken(written)).ToString("x"));
            if (information.SequencePointsBlob.IsNil) continue;
            foreach (var point in information.GetSequencePoints())
                Console.WriteLine("S|" + point.Offset + "|" + (point.IsHidden ? "h|" : point.StartLine + "|"
                    + point.StartColumn + "|" + point.EndLine + "|" + point.EndColumn + "|")
                    + pdb.GetString(pdb.GetDocument(point.Document).Name));
        }
    }
}
